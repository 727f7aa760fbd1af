/** Damage at the level of bytes: every outcome is the true content or a refusal with a code, and none is dear. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { indefinite } from '../../src/formats/ber.ts'
import { signData } from '../../src/formats/cms-sign.ts'
import { parseSignedData, verifyContent } from '../../src/formats/cms.ts'
import { contextTag, explicit, integer, octetString, oid, sequence, setOf, tags, tlv } from '../../src/formats/der.ts'
import { encryptEnvelope, openEnvelope, parseEnvelopedData } from '../../src/formats/enveloped-data.ts'
import { oids } from '../../src/formats/oids.ts'
import { parsePkiMessage, signPkiMessage } from '../../src/formats/scep-message.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { medianMilliseconds, refusalOf, refusalOfAsync } from '../support/refusals.ts'
import { attribute, newIdentity, signedData, signerInfo } from '../support/signed-data.ts'

const captured = readFileSync(new URL('../data/fixtures/ota-phase2-first-post.p7.ber', import.meta.url))
const truth = readFileSync(new URL('../data/fixtures/ota-phase2-first-post.plist', import.meta.url))
const phone = await newIdentity('phone', 'rsa1024')
const content = Buffer.from('<plist version="1.0"><dict/></plist>')
const signed = await signData({ content, signer: phone.signer, certificate: phone.certificate })
const recipient = parseCertificate(phone.certificate)
const envelope = encryptEnvelope(content, recipient, 'aes-128-cbc', { encoding: 'ber' })
const pkiMessage = await signPkiMessage({
  messageType: '19', transactionID: 'A1', senderNonce: Buffer.alloc(16, 1), envelope, signer: phone.signer, certificate: phone.certificate,
})

const read = (bytes: Buffer): Buffer => verifyContent(parseSignedData(bytes))
/** The content, or undefined after a refusal with a code; whatever else is thrown fails the test. */
function readOrRefuse(bytes: Buffer): Buffer | undefined {
  let result: Buffer | undefined
  refusalOf(() => { result = read(bytes) })
  return result
}

test('a message cut off anywhere is refused', t => {
  for (const whole of [captured, signed]) {
    for (let length = 0; length < whole.length; length++) {
      const code = refusalOf(() => read(whole.subarray(0, length)))
      if (code !== 'malformed-cms') t.fail(`cut after ${length} bytes: ${code}`)
    }
    t.is(refusalOf(() => read(Buffer.concat([whole, Buffer.from([0])]))), 'malformed-cms')
  }
  for (let length = 0; length < envelope.length; length++) {
    if (refusalOf(() => parseEnvelopedData(envelope.subarray(0, length))) !== 'malformed-cms') t.fail(`envelope cut after ${length} bytes`)
  }
  for (let length = 0; length < pkiMessage.length; length++) {
    if (refusalOf(() => parsePkiMessage(pkiMessage.subarray(0, length))) !== 'malformed-cms') t.fail(`pkiMessage cut after ${length} bytes`)
  }
})

test('a flipped bit leaves the true content or a refusal, never another content', t => {
  for (const [whole, expected] of [[captured, truth], [signed, content]] as const) {
    fc.assert(fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(whole)
      flipped[at]! ^= 1 << bit
      const result = readOrRefuse(flipped)
      if (result !== undefined) t.deepEqual(result, expected)
    }), { numRuns: 1500 })
  }
  t.pass()
})

test('bytes cut out, put in or overwritten leave the true content or a refusal', t => {
  fc.assert(fc.property(fc.nat(captured.length - 1), fc.nat(40), fc.uint8Array({ maxLength: 40 }), (at, removed, inserted) => {
    const edited = Buffer.concat([captured.subarray(0, at), inserted, captured.subarray(at + removed)])
    const result = readOrRefuse(edited)
    if (result !== undefined) t.deepEqual(result, truth)
  }), { numRuns: 1500 })
  t.pass()
})

test('a damaged envelope opens to something or is refused with a code, never with another error', async t => {
  await fc.assert(fc.asyncProperty(fc.nat(envelope.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
    const damaged = Buffer.from(envelope)
    damaged[at]! ^= change
    await refusalOfAsync(async () => { await openEnvelope(parseEnvelopedData(damaged), recipient, async () => Buffer.alloc(16)) })
  }), { numRuns: 1000 })
  t.pass()
})

test('a damaged pkiMessage is refused with a code, or is the one that was sent', t => {
  fc.assert(fc.property(fc.nat(pkiMessage.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
    const damaged = Buffer.from(pkiMessage)
    damaged[at]! ^= change
    refusalOf(() => {
      const { transactionID, messageType, envelope: found } = parsePkiMessage(damaged)
      t.deepEqual([transactionID, messageType, found], ['A1', '19', envelope])
    })
  }), { numRuns: 1500 })
  t.pass()
})

const manyAttributes = async (): Promise<Buffer> => {
  const attributes = Array.from({ length: 3000 }, (_, index) => attribute(`1.2.3.${index}`, integer(1)))
  return signedData({ content, certificates: [phone.certificate], signerInfos: [await signerInfo({ identity: phone, attributes })] })
}
const oneInfo = await signerInfo({ identity: phone, content })
const inSignedData = (...parts: Buffer[]): Buffer => sequence(oid(oids.signedData), explicit(0, sequence(...parts)))

const bombs: Record<string, Buffer> = {
  'nested 200,000 deep, never closed': Buffer.from('3080'.repeat(200_000), 'hex'),
  'nested 30,000 deep in 60 KB': Buffer.from('3080'.repeat(30_000), 'hex'),
  'nested 15,000 deep and closed': Buffer.concat([Buffer.from('3080'.repeat(15_000), 'hex'), Buffer.alloc(30_000)]),
  'with content of octet strings in octet strings': inSignedData(integer(1), setOf(), Buffer.from('2480'.repeat(10_000), 'hex')),
  'of content in 30,000 empty chunks': indefinite(tags.sequence, oid(oids.signedData), indefinite(contextTag(0), indefinite(0x24, Buffer.from('0400'.repeat(30_000), 'hex')))),
  'claiming 4 GiB': Buffer.from('3084ffffffff06092a864886f70d010702', 'hex'),
  'claiming 2^1008 bytes': Buffer.concat([Buffer.from('30fe', 'hex'), Buffer.alloc(126, 0xff)]),
  'of 60 KB of end-of-contents': Buffer.concat([Buffer.from('3080', 'hex'), Buffer.alloc(60_000)]),
  'with 10,000 empty signers': inSignedData(integer(1), setOf(), sequence(oid(oids.data)), tlv(tags.set, Buffer.from('3000'.repeat(10_000), 'hex'))),
  'with 90 signers': signedData({ content, certificates: [phone.certificate], signerInfos: Array<Buffer>(90).fill(oneInfo) }),
  'with 20,000 empty certificates': signedData({ content, certificates: [Buffer.from('3000'.repeat(20_000), 'hex')], signerInfos: [oneInfo] }),
  'with 3,000 attributes': await manyAttributes(),
  'with an object identifier of 60 KB': inSignedData(integer(1), setOf(), sequence(tlv(tags.oid, Buffer.alloc(60_000, 0xff)))),
  'with an integer of 60 KB': inSignedData(integer(Buffer.alloc(60_000, 0x7f))),
  'of 64 KiB of noise in an octet string': octetString(Buffer.alloc(65_000, 0x30)),
  'of 1 MiB': Buffer.alloc(1 << 20, 0x30),
}

for (const [what, bytes] of Object.entries(bombs)) {
  test(`a message ${what} is refused in less than 50 ms`, t => {
    const parse = () => refusalOf(() => read(bytes))
    t.regex(parse() ?? 'accepted', /^(malformed-cms|body-too-large|cms-signer-count|cms-signed-attributes-invalid)$/)
    t.true(medianMilliseconds(parse) < 50)
    t.truthy(refusalOf(() => parseEnvelopedData(bytes)))
    t.truthy(refusalOf(() => parsePkiMessage(bytes)))
  })
}
