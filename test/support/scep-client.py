"""A SCEP request and the reading of its answer, without any of our code: asn1crypto for the structures, openssl for the keys.

  scep-client.py request FOLDER   reads one JSON object from standard input, writes the pkiMessage
  scep-client.py reply FOLDER     reads the answer, writes JSON: its signed attributes, decrypted certificates in base64

FOLDER holds key.pem, signer.pem (the certificate that signs, PEM) and ra.pem (the registration authority).
The JSON object: csr (base64 DER), cipher, messageType, transactionID, senderNonce (hex)
"""
import base64
import hashlib
import json
import os
import subprocess
import sys

from asn1crypto import algos, cms, core, pem, x509

NUMBERS = {'messageType': 2, 'pkiStatus': 3, 'failInfo': 4, 'senderNonce': 5, 'recipientNonce': 6, 'transactionID': 7}
TEXTS = ('messageType', 'pkiStatus', 'failInfo', 'transactionID')


class PrintableStrings(core.SetOf):
    _child_spec = core.PrintableString


for name, number in NUMBERS.items():
    cms.CMSAttributeType._map['2.16.840.1.113733.1.9.%d' % number] = name
    cms.CMSAttribute._oid_specs[name] = PrintableStrings if name in TEXTS else cms.SetOfOctetString

mode, folder = sys.argv[1:]


def path(name):
    return os.path.join(folder, name)


def openssl(args, data):
    return subprocess.run(['openssl'] + args, input=data, stdout=subprocess.PIPE, check=True).stdout


def certificate(name):
    with open(path(name), 'rb') as file:
        return x509.Certificate.load(pem.unarmor(file.read())[2])


def request():
    wanted = json.load(sys.stdin)
    content = openssl(
        ['cms', '-encrypt', '-binary', '-stream', '-' + wanted['cipher'], '-outform', 'DER', path('ra.pem')],
        base64.b64decode(wanted['csr']))
    signer = certificate('signer.pem')
    attributes = cms.CMSAttributes([
        {'type': 'content_type', 'values': ['data']},
        {'type': 'message_digest', 'values': [hashlib.sha256(content).digest()]},
        {'type': 'senderNonce', 'values': [bytes.fromhex(wanted['senderNonce'])]},
        {'type': 'messageType', 'values': [wanted['messageType']]},
        {'type': 'transactionID', 'values': [wanted['transactionID']]},
    ])
    signature = openssl(['dgst', '-sha256', '-sign', path('key.pem')], attributes.dump(force=True))
    signed = cms.SignedData({
        'version': 'v1', 'digest_algorithms': [algos.DigestAlgorithm({'algorithm': 'sha256'})],
        'encap_content_info': {'content_type': 'data', 'content': content}, 'certificates': [signer],
        'signer_infos': [{
            'version': 'v1',
            'sid': cms.SignerIdentifier({'issuer_and_serial_number': {'issuer': signer.issuer, 'serial_number': signer.serial_number}}),
            'digest_algorithm': {'algorithm': 'sha256'}, 'signed_attrs': attributes,
            'signature_algorithm': {'algorithm': 'rsassa_pkcs1v15'}, 'signature': signature,
        }],
    })
    sys.stdout.buffer.write(cms.ContentInfo({'content_type': 'signed_data', 'content': signed}).dump())


def reply():
    answer = sys.stdin.buffer.read()
    # The answer must be signed by that one certificate; its purpose and chain are looked at elsewhere.
    content = openssl(['cms', '-verify', '-inform', 'DER', '-binary', '-noverify', '-nointern', '-certfile', path('ra.pem')], answer)
    (info,) = cms.ContentInfo.load(answer, strict=True)['content']['signer_infos']
    said = {}
    for attribute in info['signed_attrs']:
        (value,) = attribute['values']
        kind = attribute['type'].native
        if kind in NUMBERS:
            said[kind] = value.native if kind in TEXTS else value.native.hex()
    said['signatureAlgorithm'] = info['signature_algorithm']['algorithm'].dotted
    if content:
        opened = openssl(['cms', '-decrypt', '-inform', 'DER', '-binary', '-inkey', path('key.pem'), '-recip', path('signer.pem')], content)
        issued = cms.ContentInfo.load(opened, strict=True)['content']
        said['signers'] = len(issued['signer_infos'])
        said['certificates'] = [base64.b64encode(each.dump()).decode() for each in issued['certificates']]
    json.dump(said, sys.stdout)


{'request': request, 'reply': reply}[mode]()
