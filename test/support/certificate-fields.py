"""Reads a DER certificate from standard input with asn1crypto and prints its fields as JSON."""
import json
import sys

from asn1crypto import x509

certificate = x509.Certificate.load(sys.stdin.buffer.read(), strict=True)
tbs = certificate['tbs_certificate']
key = tbs['subject_public_key_info']
json.dump({
    'version': tbs['version'].native,
    'serialNumber': format(tbs['serial_number'].native, 'x'),
    'signatureAlgorithm': tbs['signature']['algorithm'].native,
    'keyAlgorithm': f'rsa {key.bit_size}' if key.algorithm == 'rsa' else key.curve[1],
    'issuer': tbs['issuer'].native,
    'subject': tbs['subject'].native,
    'notBefore': tbs['validity']['not_before'].native.isoformat(),
    'notAfter': tbs['validity']['not_after'].native.isoformat(),
    'extensions': [
        {'oid': e['extn_id'].dotted, 'critical': e['critical'].native, 'value': e['extn_value'].parsed.native}
        for e in tbs['extensions']
    ],
}, sys.stdout, default=lambda value: value.hex() if isinstance(value, bytes) else sorted(value) if isinstance(value, set) else str(value))
