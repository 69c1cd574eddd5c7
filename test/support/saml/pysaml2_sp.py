"""A service provider on pysaml2: / shows who came, /logout begins a single logout. Options come as JSON in the environment."""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor

OPTIONS = json.loads(os.environ["SP_OPTIONS"])
ORIGIN = OPTIONS["origin"]
CONFIG = SPConfig()
CONFIG.load({
    "entityid": ORIGIN + "/metadata",
    "xmlsec_binary": "/usr/bin/xmlsec1",
    "key_file": "sp.key.pem",
    "cert_file": "sp.cert.pem",
    "encryption_keypairs": [{"key_file": "sp.key.pem", "cert_file": "sp.cert.pem"}],
    "metadata": {"local": ["idp.xml"]},
    "allow_unknown_attributes": True,
    "service": {"sp": {
        "endpoints": {
            "assertion_consumer_service": [(ORIGIN + "/acs", BINDING_HTTP_POST)],
            "single_logout_service": [(ORIGIN + "/slo", BINDING_HTTP_REDIRECT), (ORIGIN + "/slo", BINDING_HTTP_POST)],
        },
        "authn_requests_signed": True,
        "logout_requests_signed": True,
        "want_response_signed": True,
        "want_assertions_signed": True,
        "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
    }},
})
CLIENT = Saml2Client(config=CONFIG)
STATE = {"name_id": None, "attributes": None, "requests": {}}
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


class Handler(BaseHTTPRequestHandler):
    def send(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def carry(self, info):
        headers = dict(info["headers"])
        if "Location" in headers:
            self.send(303, "", [("Location", headers["Location"])])
        else:
            data = info["data"]
            self.send(200, data if isinstance(data, str) else "".join(data), [("Content-Type", "text/html")])

    def do_GET(self):
        self.answer({key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}, BINDING_HTTP_REDIRECT)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer({key: value[0] for key, value in parse_qs(body).items()}, BINDING_HTTP_POST)

    def answer(self, fields, binding):
        path = urlsplit(self.path).path
        if path == "/metadata":
            self.send(200, str(entity_descriptor(CONFIG)), [("Content-Type", "application/samlmetadata+xml")])
        elif path == "/" and STATE["name_id"] is not None:
            shown = json.dumps({"attributes": STATE["attributes"], "format": STATE["name_id"].format})
            self.send(200, "<!doctype html><title>App</title><pre id=attributes>" + shown.replace("<", "&lt;") + "</pre>", [("Content-Type", "text/html")])
        elif path == "/out":
            self.send(200, "<!doctype html><title>Out</title><h1>" + ("Signed out" if STATE["name_id"] is None else "Still signed in") + "</h1>", [("Content-Type", "text/html")])
        elif path in ("/", "/post"):
            wanted = BINDING_HTTP_POST if path == "/post" else BINDING_HTTP_REDIRECT
            request_id, _binding, info = CLIENT.prepare_for_negotiated_authenticate(binding=wanted, relay_state="r", sign=True, sigalg=RSA_SHA256, digest_alg=SHA256)
            STATE["requests"][request_id] = "/"
            self.carry(info)
        elif path == "/acs":
            response = CLIENT.parse_authn_request_response(fields["SAMLResponse"], BINDING_HTTP_POST, outstanding=STATE["requests"])
            STATE["name_id"], STATE["attributes"] = response.name_id, response.ava
            self.send(303, "", [("Location", "/")])
        elif path == "/logout":
            result = CLIENT.global_logout(STATE["name_id"], sign=True, sign_alg=RSA_SHA256, digest_alg=SHA256)
            _binding, info = list(result.values())[0]
            self.carry(info)
        elif path == "/slo" and "SAMLRequest" in fields:
            info = CLIENT.handle_logout_request(fields["SAMLRequest"], STATE["name_id"], binding, sign=True, sign_alg=RSA_SHA256, digest_alg=SHA256, relay_state=fields.get("RelayState", ""))
            STATE["name_id"] = None
            self.carry(info)
        elif path == "/slo":
            CLIENT.parse_logout_request_response(fields["SAMLResponse"], binding)
            STATE["name_id"] = None
            self.send(303, "", [("Location", "/out")])
        else:
            self.send(404, "")


ThreadingHTTPServer(("127.0.0.1", OPTIONS["port"]), Handler).serve_forever()
