import test from 'ava'
import { parseCertificationRequest, signCertificationRequest } from '../../src/formats/certification-request.ts'
import {
  bitString, explicit, integer, oid, printableString, sequence, setOf, utf8String,
} from '../../src/formats/der.ts'
import { readKeyUsage, readSubjectAltName } from '../../src/formats/extension-readers.ts'
import { keyUsage, subjectAltName } from '../../src/formats/extensions.ts'
import { formatName } from '../../src/formats/names.ts'
import { oids } from '../../src/formats/oids.ts'
import { algorithmIdentifier } from '../../src/formats/signatures.ts'
import { feedHostileBytes } from '../support/hostile.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { commonName, newSigner } from '../support/signers.ts'
import type { TestSigner } from '../support/signers.ts'

const requestOf = (signer: TestSigner, challengePassword?: string): Promise<Buffer> => signCertificationRequest({
  subject: commonName('phone'), subjectPublicKeyInfo: signer.subjectPublicKeyInfo,
  ...challengePassword === undefined ? {} : { challengePassword },
}, signer)

for (const kind of ['P-256', 'P-384', 'P-521', 'rsa2048'] as const) {
  test(`a ${kind} request reads back as it was given, and openssl verifies it`, async t => {
    const signer = newSigner(kind)
    const der = await signCertificationRequest({
      subject: commonName('phone'), subjectPublicKeyInfo: signer.subjectPublicKeyInfo, challengePassword: 'abc-DEF',
      extensions: [keyUsage('digitalSignature'), subjectAltName([{ type: 'dNSName', value: 'phone.example' }])],
    }, signer)
    const request = parseCertificationRequest(der)
    t.is(formatName(request.subject), 'CN=phone')
    t.is(request.challengePassword, 'abc-DEF')
    t.deepEqual(readKeyUsage(request), ['digitalSignature'])
    t.deepEqual(readSubjectAltName(request), [{ type: 'dNSName', value: 'phone.example' }])
    t.true(request.publicKey.equals(signer.publicKey))

    if (!peer(t, 'openssl')) return
    const { text } = await run('openssl', ['req', '-inform', 'DER', '-verify', '-noout', '-text'], der)
    t.regex(text, /verify OK/)
    t.regex(text, /challengePassword +: ?abc-DEF/)
    t.regex(text, /DNS:phone\.example/)
  })
}

test('a request of openssl is read, with its challengePassword and extensions', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const config = file('req.cnf', [
    '[req]', 'prompt = no', 'distinguished_name = dn', 'attributes = a', 'req_extensions = e', 'string_mask = utf8only',
    '[dn]', 'CN = phone', '[a]', 'challengePassword = s3cret_1', '[e]', 'keyUsage = digitalSignature, keyEncipherment',
  ].join('\n'))
  const made = await run('openssl', ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', file('key.pem'), '-config', config, '-outform', 'DER'])
  const request = parseCertificationRequest(made.stdout)
  t.is(request.challengePassword, 's3cret_1')
  t.deepEqual(readKeyUsage(request), ['digitalSignature', 'keyEncipherment'])
  t.is(request.signatureAlgorithm, 'sha256WithRSAEncryption')
})

test('a challengePassword of any text survives', async t => {
  const signer = newSigner()
  for (const text of ['plain 1', 'under_score', 'ünï', '']) t.is(parseCertificationRequest(await requestOf(signer, text)).challengePassword, text)
  t.is(parseCertificationRequest(await requestOf(signer)).challengePassword, undefined)
})

test('a request signed with SHA-1, or with a key too weak or too strange, is refused', async t => {
  const refused = async (signer: TestSigner, code: string) => {
    const der = await requestOf(signer)
    t.throws(() => parseCertificationRequest(der), { code })
  }
  await refused(newSigner('rsa2048', 'sha1WithRSAEncryption'), 'unsupported-algorithm')
  await refused(newSigner('rsa1024'), 'weak-key')
  await refused(newSigner('rsa4104'), 'weak-key')
  const rsaOf = (octets: number): TestSigner => ({
    ...newSigner(), algorithm: 'sha256WithRSAEncryption',
    subjectPublicKeyInfo: sequence(sequence(oid(oids.rsaEncryption), Buffer.from([5, 0])),
      bitString(sequence(integer(Buffer.alloc(octets, 0xff)), integer(65537)))),
  })
  // Who signed stands before how strong the key is: a request that nobody signed is not judged.
  for (const octets of [512, 1024]) await refused(rsaOf(octets), 'signature-invalid')
  await refused(rsaOf(1032), 'unsupported-algorithm')
  await refused({ ...newSigner(), subjectPublicKeyInfo: sequence(sequence(oid('1.3.101.112')), bitString(Buffer.alloc(32, 9))) }, 'unsupported-algorithm')
})

test('a request whose signer does not hold the key it names is refused', async t => {
  const [mine, theirs] = [newSigner(), newSigner()]
  const der = await requestOf({ ...mine, subjectPublicKeyInfo: theirs.subjectPublicKeyInfo })
  t.throws(() => parseCertificationRequest(der), { code: 'signature-invalid' })
  const changed = Buffer.from(await requestOf(mine))
  changed[changed.indexOf('phone')] = 0x50
  t.throws(() => parseCertificationRequest(changed), { code: 'signature-invalid' })
  const rsa = newSigner('rsa2048')
  const otherType = await requestOf({ ...mine, subjectPublicKeyInfo: rsa.subjectPublicKeyInfo })
  t.throws(() => parseCertificationRequest(otherType), { code: 'signature-invalid' })
})

/** A well signed request with these attributes, or none of the field at all. */
async function withAttributes(attributes: Buffer[] | undefined, version = 0): Promise<Buffer> {
  const signer = newSigner()
  const info = sequence(integer(version), commonName('x'), signer.subjectPublicKeyInfo, ...attributes === undefined ? [] : [explicit(0, ...attributes)])
  return sequence(info, algorithmIdentifier(signer.algorithm), bitString(await signer.sign(info)))
}

test('an attribute that leaves open which value counts is refused', async t => {
  const challenge = (...values: Buffer[]) => sequence(oid(oids.challengePassword), setOf(...values))
  const cases = {
    'two challengePasswords': await withAttributes([challenge(printableString('a')), challenge(printableString('b'))]),
    'a challengePassword with two values': await withAttributes([challenge(printableString('a'), utf8String('b'))]),
    'a challengePassword without a value': await withAttributes([challenge()]),
    'a challengePassword that is a number': await withAttributes([challenge(integer(1))]),
    'a challengePassword of 300 octets': await withAttributes([challenge(printableString('a'.repeat(300)))]),
    'an extensionRequest of the wrong type': await withAttributes([sequence(oid(oids.extensionRequest), setOf(integer(1)))]),
    'version 2': await withAttributes([], 1),
    'more than 32 KiB': await withAttributes([sequence(oid('1.2.3'), setOf(printableString('a'.repeat(40_000))))]),
  }
  for (const [what, der] of Object.entries(cases)) t.throws(() => parseCertificationRequest(der), { code: 'malformed-certification-request' }, what)
})

test('attributes nobody asked about are passed over, and may be missing altogether', async t => {
  const unknown = sequence(oid('1.3.6.1.4.1.311.13.2.3'), setOf(printableString('10.0'), utf8String('x')))
  t.is(parseCertificationRequest(await withAttributes([unknown, unknown])).challengePassword, undefined)
  t.deepEqual(parseCertificationRequest(await withAttributes(undefined)).extensions, [])
})

test('hostile bytes are read or refused, never anything else', async t => {
  for (const kind of ['P-256', 'rsa2048'] as const) {
    const signer = newSigner(kind)
    feedHostileBytes(t, await requestOf(signer, 'abc'), bytes => parseCertificationRequest(bytes), 800)
  }
})
