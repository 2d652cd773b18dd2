"""The older key managers' side of a SOAP call: reads the question as XML, and answers as Axis2 does. What a token is called is what is said
about it."""
import base64
import json
import re
import time
import xml.etree.ElementTree as XML

PATH = "/services/APIKeyValidationService"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
AXIS = "http://org.apache.axis2/xsd"
INFO = "http://dto.impl.apimgt.carbon.wso2.org/xsd"
ASKED = ["context", "version", "accessToken", "requiredAuthenticationLevel", "clientDomain", "matchingResource", "httpVerb"]


def read(body):
    """What was asked, by name; each of the names once and no other."""
    root = XML.fromstring(body)
    assert root.tag == f"{{{ENVELOPE}}}Envelope", root.tag
    call = root.find(f"{{{ENVELOPE}}}Body/{{{AXIS}}}validateKey")
    assert [e.tag for e in call] == [f"{{{AXIS}}}{name}" for name in ASKED], [e.tag for e in call]
    return {name: e.text or "" for name, e in zip(ASKED, call)}


def said(asked):
    token, now_ms = asked["accessToken"], int(time.time() * 1000)
    refused = re.search(r"900\d{3}", token)
    if not token.startswith("good"):
        return {"authorized": "false", "validationStatus": refused[0] if refused else "900901"}
    tier = re.search(r"tier\.(\w+)", token)
    api_tier = re.search(r"api\.(\w+)", token)
    told = {name: asked[name] for name in ("context", "version", "matchingResource", "httpVerb", "requiredAuthenticationLevel", "clientDomain")}
    return {"apiName": "Users", "apiTier": api_tier[1] if api_tier else "Unlimited", "applicationId": "7", "applicationName": "shop",
            "applicationTier": "Unlimited", "authorized": "true", "endUserName": "alice@carbon.super",
            "endUserToken": base64.urlsafe_b64encode(json.dumps(told).encode()).decode() if "told" in token else None,
            "issuedTime": str(now_ms - (3600_000 if "over" in token else 0)),
            "scopes": "am_application_scope", "stopOnQuotaReach": "false" if "free" in token else "true",
            "tier": tier[1] if tier else "Unlimited", "type": "SANDBOX" if "sandbox" in token else "PRODUCTION", "validationStatus": "0",
            "validityPeriod": "2000" if "short" in token or "over" in token else str(2**63 - 1)}


def answer(fields):
    XML.register_namespace("soapenv", ENVELOPE)
    root = XML.Element(f"{{{ENVELOPE}}}Envelope")
    response = XML.SubElement(XML.SubElement(root, f"{{{ENVELOPE}}}Body"), f"{{{AXIS}}}validateKeyResponse")
    info = XML.SubElement(response, f"{{{AXIS}}}return", {"{http://www.w3.org/2001/XMLSchema-instance}type": "APIKeyValidationInfoDTO"})
    for name, value in fields.items():
        e = XML.SubElement(info, f"{{{INFO}}}{name}")
        if value is None:
            e.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")
        else:
            e.text = value
    return XML.tostring(root, "utf-8", xml_declaration=True)


def with_entity(document):
    """The same, but what it says is what an entity says."""
    start = document.index(b"<", 1)
    return (document[:start] + b'<!DOCTYPE x [<!ENTITY yes "true">]>' + document[start:]).replace(b">true<", b">&yes;<")
