"""All that people touch: settings, commands, embedded services, demo."""
