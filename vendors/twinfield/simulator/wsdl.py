"""The descriptions of the two SOAP services, as `?wsdl` serves them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

_TYPES = "http://microsoft.com/wsdl/types/"
_NAMESPACE = "http://www.twinfield.com/"

_HEADER = """
      <s:element name="Header" type="tns:Header"/>
      <s:complexType name="Header">
        <s:sequence>
          <s:element minOccurs="0" maxOccurs="1" name="SessionID" type="s:string"/>
          <s:element minOccurs="0" maxOccurs="1" name="AccessToken" type="s:string"/>
          <s:element minOccurs="0" maxOccurs="1" name="CompanyCode" type="s:string"/>
          <s:element minOccurs="1" maxOccurs="1" name="CompanyId" nillable="true" type="s1:guid"/>
        </s:sequence>
        <s:anyAttribute/>
      </s:complexType>"""

_HEX = "[0-9a-fA-F]"

_GUID = f"""
    <s:schema elementFormDefault="qualified" targetNamespace="{_TYPES}">
      <s:simpleType name="guid">
        <s:restriction base="s:string">
          <s:pattern value="{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"/>
        </s:restriction>
      </s:simpleType>
    </s:schema>"""

_MIXED = '<s:complexType mixed="true"><s:sequence><s:any/></s:sequence></s:complexType>'

_PROCESS_XML_TYPES = f"""
      <s:element name="ProcessXmlString"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="xmlRequest" type="s:string"/>
      </s:sequence></s:complexType></s:element>
      <s:element name="ProcessXmlStringResponse"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="ProcessXmlStringResult" type="s:string"/>
      </s:sequence></s:complexType></s:element>
      <s:element name="ProcessXmlDocument"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="xmlRequest">{_MIXED}</s:element>
      </s:sequence></s:complexType></s:element>
      <s:element name="ProcessXmlDocumentResponse"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="ProcessXmlDocumentResult">{_MIXED}</s:element>
      </s:sequence></s:complexType></s:element>
      <s:element name="ProcessXmlCompressed"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="xmlRequest" type="s:base64Binary"/>
      </s:sequence></s:complexType></s:element>
      <s:element name="ProcessXmlCompressedResponse"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="ProcessXmlCompressedResult" type="s:base64Binary"/>
      </s:sequence></s:complexType></s:element>"""

FINDER_CODES = (
    "NoAccessToOffice",
    "OptionNotAllowed",
    "InvalidBooleanOptionValue",
    "InvalidIntegerOptionValue",
    "InvalidDecimalOptionValue",
    "InvalidEnumerationOptionValue",
    "OptionValueOutOfRange",
    "ParameterOutOfRange",
    "InvalidFinderType",
    "ParameterTooSmall",
    "OptionLevelMandatoryForSectionTeq",
    "OptionIcIncompatibleWithOptionHidden",
    "InvalidDateTimeOptionLength",
    "InvalidDateTimeOptionValue",
    "InvalidDateTimeOptionOutOfRange",
    "OptionMandatory",
    "AccessDenied",
    "DisableAccessRulesNotAllowed",
    "Option1MandatoryIfOption2IsUsed",
    "OptionAvailableForAbnAmroSignUpOnlyIsIncompatibleWithOfficeWildCard",
    "OptionCompanyAndOptionOfficeCannotBeBothProvided",
)
_CODES = "".join(f'<s:enumeration value="{code}"/>' for code in FINDER_CODES)

_FINDER_TYPES = f"""
      <s:element name="Search"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="type" type="s:string"/>
        <s:element minOccurs="0" maxOccurs="1" name="pattern" type="s:string"/>
        <s:element minOccurs="1" maxOccurs="1" name="field" type="s:int"/>
        <s:element minOccurs="1" maxOccurs="1" name="firstRow" type="s:int"/>
        <s:element minOccurs="1" maxOccurs="1" name="maxRows" type="s:int"/>
        <s:element minOccurs="0" maxOccurs="1" name="options" type="tns:ArrayOfArrayOfString"/>
      </s:sequence></s:complexType></s:element>
      <s:complexType name="ArrayOfArrayOfString"><s:sequence>
        <s:element minOccurs="0" maxOccurs="unbounded" name="ArrayOfString" nillable="true"
          type="tns:ArrayOfString"/>
      </s:sequence></s:complexType>
      <s:complexType name="ArrayOfString"><s:sequence>
        <s:element minOccurs="0" maxOccurs="unbounded" name="string" nillable="true" type="s:string"/>
      </s:sequence></s:complexType>
      <s:element name="SearchResponse"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="SearchResult" type="tns:ArrayOfMessageOfErrorCodes"/>
        <s:element minOccurs="0" maxOccurs="1" name="data" type="tns:FinderData"/>
      </s:sequence></s:complexType></s:element>
      <s:complexType name="ArrayOfMessageOfErrorCodes"><s:sequence>
        <s:element minOccurs="0" maxOccurs="unbounded" name="MessageOfErrorCodes" nillable="true"
          type="tns:MessageOfErrorCodes"/>
      </s:sequence></s:complexType>
      <s:complexType name="MessageOfErrorCodes"><s:sequence>
        <s:element minOccurs="1" maxOccurs="1" name="Type" type="tns:MessageType"/>
        <s:element minOccurs="0" maxOccurs="1" name="Text" type="s:string"/>
        <s:element minOccurs="1" maxOccurs="1" name="Code" type="tns:ErrorCodes"/>
        <s:element minOccurs="0" maxOccurs="1" name="Parameters" type="tns:ArrayOfString"/>
      </s:sequence></s:complexType>
      <s:simpleType name="MessageType"><s:restriction base="s:string">
        <s:enumeration value="Error"/><s:enumeration value="Warning"/><s:enumeration value="Informational"/>
      </s:restriction></s:simpleType>
      <s:simpleType name="ErrorCodes"><s:restriction base="s:string">{_CODES}</s:restriction></s:simpleType>
      <s:complexType name="FinderData"><s:sequence>
        <s:element minOccurs="1" maxOccurs="1" name="TotalRows" type="s:int"/>
        <s:element minOccurs="0" maxOccurs="1" name="Columns" type="tns:ArrayOfString"/>
        <s:element minOccurs="0" maxOccurs="1" name="Items" type="tns:ArrayOfArrayOfString"/>
      </s:sequence></s:complexType>"""


def process_xml_wsdl(address: str) -> str:
    """The description of `processxml.asmx` at an address."""
    operations = ("ProcessXmlString", "ProcessXmlDocument", "ProcessXmlCompressed")
    return _definitions("ProcessXml", operations, _PROCESS_XML_TYPES, address)


def finder_wsdl(address: str) -> str:
    """The description of `finder.asmx` at an address."""
    return _definitions("Finder", ("Search",), _FINDER_TYPES, address)


def _definitions(service: str, operations: Sequence[str], types: str, address: str) -> str:
    messages = "".join(_messages(operation) for operation in operations)
    ports = "".join(
        f'<wsdl:operation name="{operation}"><wsdl:input message="tns:{operation}SoapIn"/>'
        f'<wsdl:output message="tns:{operation}SoapOut"/></wsdl:operation>'
        for operation in operations
    )
    where = escape(address, {'"': "&quot;"})
    return f"""<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
    xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:s1="{_TYPES}" xmlns:tns="{_NAMESPACE}"
    targetNamespace="{_NAMESPACE}">
  <wsdl:types>
    <s:schema elementFormDefault="qualified" targetNamespace="{_NAMESPACE}">
      <s:import namespace="{_TYPES}"/>{types}{_HEADER}
    </s:schema>{_GUID}
  </wsdl:types>
  {messages}
  <wsdl:portType name="{service}Soap">{ports}</wsdl:portType>
  {_binding(service, f"{service}Soap", "soap", operations)}
  {_binding(service, f"{service}Soap12", "soap12", operations)}
  <wsdl:service name="{service}">
    <wsdl:port name="{service}Soap" binding="tns:{service}Soap"><soap:address location="{where}"/></wsdl:port>
    <wsdl:port name="{service}Soap12" binding="tns:{service}Soap12">
      <soap12:address location="{where}"/>
    </wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""


def _messages(operation: str) -> str:
    return (
        f'<wsdl:message name="{operation}SoapIn"><wsdl:part name="parameters" element="tns:{operation}"/>'
        f'</wsdl:message><wsdl:message name="{operation}SoapOut">'
        f'<wsdl:part name="parameters" element="tns:{operation}Response"/></wsdl:message>'
        f'<wsdl:message name="{operation}Header"><wsdl:part name="Header" element="tns:Header"/>'
        "</wsdl:message>"
    )


def _binding(service: str, name: str, soap: str, operations: Sequence[str]) -> str:
    inner = "".join(
        f'<wsdl:operation name="{operation}">'
        f'<{soap}:operation soapAction="{_NAMESPACE}{operation}" style="document"/>'
        f'<wsdl:input><{soap}:body use="literal"/>'
        f'<{soap}:header message="tns:{operation}Header" part="Header" use="literal"/></wsdl:input>'
        f'<wsdl:output><{soap}:body use="literal"/></wsdl:output></wsdl:operation>'
        for operation in operations
    )
    return (
        f'<wsdl:binding name="{name}" type="tns:{service}Soap">'
        f'<{soap}:binding transport="http://schemas.xmlsoap.org/soap/http"/>{inner}</wsdl:binding>'
    )
