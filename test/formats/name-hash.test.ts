import test from 'ava'
import { nameHash } from '../../src/formats/name-hash.ts'
import { oid, printableString, sequence, setOf, tlv, utf8String } from '../../src/formats/der.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { signCertificate } from '../../src/formats/x509.ts'
import { peer, run } from '../support/peers.ts'
import { newSigner, testSerialNumber, testValidity } from '../support/signers.ts'

const attribute = (type: string, value: Buffer): Buffer => sequence(oid(type), value)
const rdn = (type: string, value: Buffer): Buffer => setOf(attribute(type, value))

const names: Record<string, Buffer> = {
  'one of ours': sequence(rdn(oids.organizationName, utf8String('Latchkey')), rdn(oids.commonName, utf8String('Latchkey Issuing CA 1'))),
  'PrintableString': sequence(rdn(oids.countryName, printableString('DE')), rdn(oids.commonName, printableString('Root CA'))),
  'white space, at the ends and in a row': sequence(rdn(oids.commonName, utf8String('  The   Root\tCA '))),
  'letters that are not of ASCII': sequence(rdn(oids.commonName, utf8String('ÄÖÜ Überprüfung ΣΑΣ'))),
  'nothing but white space': sequence(rdn(oids.commonName, utf8String('   '))),
  'two attributes in one RDN': sequence(setOf(attribute(oids.commonName, utf8String('B')), attribute(oids.organizationName, utf8String('A')))),
  'no string': sequence(rdn(oids.commonName, tlv(0x03, Buffer.from([0, 1, 2])))),
  'nobody': sequence(),
}

test('a name has the hash under which OpenSSL looks for its lists', async t => {
  const openssl = peer(t, 'openssl')
  if (openssl === undefined) return
  const signer = newSigner()
  for (const [title, name] of Object.entries(names)) {
    const der = await signCertificate({ serialNumber: testSerialNumber('x'), issuer: name, subject: name, ...testValidity, subjectPublicKeyInfo: signer.subjectPublicKeyInfo, extensions: [] }, signer)
    const { stdout, stderr } = await run(openssl, ['x509', '-noout', '-subject_hash'], { input: toPem('CERTIFICATE', der) })
    t.is(nameHash(name), stdout.toString().trim(), `${title}: ${stderr}`)
  }
})
