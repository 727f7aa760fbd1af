"""Reads a DER CRL from standard input with asn1crypto and prints its fields as JSON."""
import json
import sys

from asn1crypto import crl

certificate_list = crl.CertificateList.load(sys.stdin.buffer.read(), strict=True)
tbs = certificate_list['tbs_cert_list']


def value(parsed):
    # JSON's readers count no further than 2^53.
    return str(parsed) if isinstance(parsed, int) and not isinstance(parsed, bool) and parsed > 2 ** 53 else parsed


json.dump({
    'version': tbs['version'].native,
    'signatureAlgorithm': tbs['signature']['algorithm'].native,
    'issuer': tbs['issuer'].native,
    'thisUpdate': tbs['this_update'].native.isoformat(),
    'nextUpdate': tbs['next_update'].native.isoformat(),
    'entries': [
        {
            'serialNumber': format(entry['user_certificate'].native, 'x'),
            'revocationDate': entry['revocation_date'].native.isoformat(),
            'extensions': [{'oid': e['extn_id'].dotted, 'critical': e['critical'].native, 'value': e['extn_value'].parsed.native}
                           for e in (entry['crl_entry_extensions'] or [])],
        }
        for entry in (tbs['revoked_certificates'] or [])
    ],
    'extensions': [
        {'oid': e['extn_id'].dotted, 'critical': e['critical'].native, 'value': value(e['extn_value'].parsed.native)}
        for e in tbs['crl_extensions']
    ],
}, sys.stdout, default=lambda value: value.hex() if isinstance(value, bytes) else sorted(value) if isinstance(value, set) else str(value))
