import { randomBytes } from 'node:crypto'
import test from 'ava'
import { CaError } from '../../src/errors.ts'
import { implicit, integer, nullValue, octetString, oid, explicit, sequence, setOf } from '../../src/formats/der.ts'
import { encryptEnvelope, openEnvelope, parseEnvelopedData } from '../../src/formats/enveloped-data.ts'
import type { EnvelopedData } from '../../src/formats/enveloped-data.ts'
import { readSubjectKeyIdentifier } from '../../src/formats/extension-readers.ts'
import { oids } from '../../src/formats/oids.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { decryptWith } from '../support/decrypt.ts'
import { refusalOf, refusalOfAsync } from '../support/refusals.ts'
import { newIdentity } from '../support/signed-data.ts'

const phone = await newIdentity('phone')
const other = await newIdentity('other')
const recipient = parseCertificate(phone.certificate)
const decrypt = decryptWith(phone.signer.privateKey)
const content = Buffer.from('what only the phone may read')

const open = (envelope: EnvelopedData, decryptKey = decrypt): Promise<Buffer> => openEnvelope(envelope, recipient, decryptKey)
const sealed = (cipher: 'aes-128-cbc' | 'aes-256-cbc' | 'des-ede3-cbc' = 'aes-128-cbc'): EnvelopedData =>
  parseEnvelopedData(encryptEnvelope(content, recipient, cipher))

for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc'] as const) {
  test(`the recipient opens what was encrypted with ${cipher}, in DER and in BER, of any length`, async t => {
    for (const encoding of ['der', 'ber'] as const) {
      for (const length of [0, 1, 15, 16, 17, 1024, 5000]) {
        const text = randomBytes(length)
        t.deepEqual(await open(parseEnvelopedData(encryptEnvelope(text, recipient, cipher, { encoding }))), text)
      }
    }
  })
}

test('an envelope of several recipients is opened by each, whatever form names it', async t => {
  const identifier = readSubjectKeyIdentifier(recipient)!
  const envelope = sealed()
  const foreign = parseEnvelopedData(encryptEnvelope(content, parseCertificate(other.certificate), 'aes-128-cbc')).recipients[0]!
  t.deepEqual(await open({ ...envelope, recipients: [foreign, ...envelope.recipients] }), content)
  t.deepEqual(await open({ ...envelope, recipients: [{ ...envelope.recipients[0]!, rid: { subjectKeyIdentifier: identifier } }] }), content)
  t.is(await refusalOfAsync(() => open({ ...envelope, recipients: [foreign] })), 'malformed-scep-message')
  t.is(await refusalOfAsync(() => open({ ...envelope, recipients: [] })), 'malformed-scep-message')
})

test('every way in which decryption can fail is told in the same words', async t => {
  const envelope = sealed('aes-256-cbc')
  const mine = envelope.recipients[0]!
  const broken = (change: Partial<EnvelopedData>, decryptKey = decrypt) => () => open({ ...envelope, ...change }, decryptKey)
  const lastBlock = Buffer.alloc(16, 1)
  for (const fails of [
    broken({ recipients: [{ ...mine, encryptedKey: Buffer.alloc(256, 1) }] }), // a padding that is not one
    broken({}, async () => Buffer.alloc(0)),
    broken({}, async () => randomBytes(16)), // the key of another cipher
    broken({}, async () => randomBytes(32)),
    broken({ encryptedContent: Buffer.concat([envelope.encryptedContent.subarray(0, -16), lastBlock]) }),
    broken({ encryptedContent: envelope.encryptedContent.subarray(1) }),
    broken({ encryptedContent: Buffer.alloc(0) }),
    broken({ iv: Buffer.alloc(8) }),
    broken({ iv: undefined }),
    broken({ recipients: [{ ...mine, encryptedKey: Buffer.alloc(256, 0xff) }] }),
    broken({ recipients: [{ ...mine, encryptedKey: Buffer.alloc(255) }] }),
    broken({ recipients: [{ ...mine, encryptedKey: Buffer.alloc(0) }] }),
  ]) {
    // One wrong key in 256 leaves something that looks padded: garbage, which the next reader refuses.
    const outcome = await fails().then(garbage => t.notDeepEqual(garbage, content), (error: unknown) => error)
    if (outcome === true) continue
    t.true(outcome instanceof CaError)
    const { code, message, cause } = outcome as CaError
    t.deepEqual({ code, message, cause }, { code: 'malformed-scep-message', message: 'the envelope cannot be opened', cause: undefined })
  }
})

test('single DES and unknown algorithms are refused before the key is touched', async t => {
  const never = async (): Promise<Buffer> => { t.fail('the key was used'); return Buffer.alloc(0) }
  const envelope = sealed()
  for (const cipher of [oids['des-cbc'], '1.2.840.113549.3.2', '2.16.840.1.101.3.4.1.6']) {
    t.is(await refusalOfAsync(() => open({ ...envelope, cipher }, never)), 'unsupported-algorithm')
  }
  const oaep = { ...envelope.recipients[0]!, keyEncryptionAlgorithm: '1.2.840.113549.1.1.7' }
  t.is(await refusalOfAsync(() => open({ ...envelope, recipients: [oaep] }, never)), 'unsupported-algorithm')
})

test('an outage of the key is not taken for a bad message', async t => {
  await t.throwsAsync(open(sealed(), async () => { throw new CaError('key-unavailable', 'the token is gone') }), { code: 'key-unavailable' } as never)
})

test('only RSA keys can be encrypted to', async t => {
  const curve = await newIdentity('curve', 'P-256')
  t.is(refusalOf(() => encryptEnvelope(content, parseCertificate(curve.certificate), 'aes-128-cbc')), 'unsupported-algorithm')
})

test('an envelope that says less than it must is refused', t => {
  const wrap = (...parts: Buffer[]): Buffer => sequence(oid(oids.envelopedData), explicit(0, sequence(...parts)))
  const algorithm = sequence(oid(oids['aes128-CBC']), octetString(Buffer.alloc(16)))
  const encrypted = sequence(oid(oids.data), algorithm, implicit(0, Buffer.alloc(16)))
  t.deepEqual(parseEnvelopedData(wrap(integer(0), setOf(), encrypted)).recipients, [])
  for (const der of [
    wrap(), wrap(integer(0)), wrap(integer(0), setOf()), wrap(integer(0), setOf(), sequence()), wrap(integer(0), setOf(nullValue), sequence(oid(oids.data), algorithm)),
    wrap(integer(0), setOf(), encrypted, encrypted), wrap(integer(0), setOf(sequence(integer(0), nullValue)), encrypted),
    wrap(integer(0), setOf(...Array<Buffer>(17).fill(sequence(integer(0)))), encrypted),
  ]) {
    t.is(refusalOf(() => parseEnvelopedData(der)), 'malformed-cms')
  }
})
