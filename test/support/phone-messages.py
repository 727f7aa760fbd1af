"""Makes a phone's messages without any of our code: asn1crypto for the structures, openssl for the RSA signature.

Reads one JSON object from standard input, writes DER to standard output.
  content, certificates  base64; the first certificate is the signer's
  key                    path of the private key, PEM
  digest                 sha1 or sha256
  signingTime            seconds since 1970
  scep                   optional: transactionID, messageType, senderNonce (base64)
"""
import base64
import datetime
import hashlib
import json
import subprocess
import sys

from asn1crypto import algos, cms, core, x509


class PrintableStrings(core.SetOf):
    _child_spec = core.PrintableString


SCEP = {
    'messageType': '2.16.840.1.113733.1.9.2',
    'senderNonce': '2.16.840.1.113733.1.9.5',
    'transactionID': '2.16.840.1.113733.1.9.7',
}
for name, oid in SCEP.items():
    cms.CMSAttributeType._map[oid] = name
    cms.CMSAttribute._oid_specs[name] = cms.SetOfOctetString if name == 'senderNonce' else PrintableStrings

wanted = json.load(sys.stdin)
content = base64.b64decode(wanted['content'])
certificates = [x509.Certificate.load(base64.b64decode(der)) for der in wanted['certificates']]
digest = wanted['digest']
signing_time = datetime.datetime.fromtimestamp(wanted['signingTime'], datetime.timezone.utc)

attributes = [
    {'type': 'content_type', 'values': ['data']},
    {'type': 'message_digest', 'values': [hashlib.new(digest, content).digest()]},
    {'type': 'signing_time', 'values': [cms.Time({'utc_time': signing_time})]},
]
for name in SCEP if 'scep' in wanted else []:
    value = wanted['scep'][name]
    attributes.append({'type': name, 'values': [base64.b64decode(value) if name == 'senderNonce' else value]})
signed_attributes = cms.CMSAttributes(attributes)

signature = subprocess.run(
    ['openssl', 'dgst', '-' + digest, '-sign', wanted['key']],
    input=signed_attributes.dump(force=True), stdout=subprocess.PIPE, check=True,
).stdout

signed_data = cms.SignedData({
    'version': 'v1',
    'digest_algorithms': [algos.DigestAlgorithm({'algorithm': digest})],
    'encap_content_info': {'content_type': 'data', 'content': content},
    'certificates': certificates,
    'signer_infos': [{
        'version': 'v1',
        'sid': cms.SignerIdentifier({'issuer_and_serial_number': {
            'issuer': certificates[0].issuer, 'serial_number': certificates[0].serial_number,
        }}),
        'digest_algorithm': {'algorithm': digest},
        'signed_attrs': signed_attributes,
        'signature_algorithm': {'algorithm': 'rsassa_pkcs1v15'},
        'signature': signature,
    }],
})
sys.stdout.buffer.write(cms.ContentInfo({'content_type': 'signed_data', 'content': signed_data}).dump())
