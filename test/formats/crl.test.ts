import test from 'ava'
import fc from 'fast-check'
import {
  bitString, enumerated, expectTag, explicit, Fields, integer, octetString, oid, parseDer, readSmallInteger, readTime, sequence, time,
} from '../../src/formats/der.ts'
import { readCrlEntries } from '../../src/formats/crl-entry-reader.ts'
import { crlEntriesOf, CrlEntryWriter, largestEntry } from '../../src/formats/crl-entry-writer.ts'
import { parseCrl, signCrl, verifyCrl } from '../../src/formats/crl.ts'
import type { CrlEntry } from '../../src/formats/crl.ts'
import { parseExtensions, readCrlNumber, readIssuingDistributionPoint } from '../../src/formats/extension-readers.ts'
import {
  authorityKeyIdentifier, crlDistributionPoints, crlNumber, deltaCrlIndicator, freshestCrl, issuingDistributionPoint, serializeExtension,
} from '../../src/formats/extensions.ts'
import type { Extension } from '../../src/formats/extensions.ts'
import { toPem } from '../../src/formats/pem.ts'
import { algorithmIdentifier } from '../../src/formats/signatures.ts'
import type { Signer } from '../../src/formats/signatures.ts'
import { readSerialNumber } from '../../src/formats/x509.ts'
import { feedHostileBytes } from '../support/hostile.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { commonName, issueTestCertificate, newAuthority, newSigner, testSerialNumber } from '../support/signers.ts'
import type { TestAuthority } from '../support/signers.ts'

const thisUpdate = new Date('2026-03-01T09:00:00Z')
const nextUpdate = new Date('2026-03-08T09:00:00Z')
const atNoon = String(Date.parse('2026-03-01T12:00:00Z') / 1000)

function serializeCrlEntries(entries: CrlEntry[]): Buffer {
  const buffer = Buffer.alloc(entries.length * largestEntry)
  const writer = new CrlEntryWriter(buffer, 0)
  crlEntriesOf(entries).writeTo(writer)
  return buffer.subarray(0, writer.offset)
}

const revoked = (name: string, reason?: number): CrlEntry => ({
  serialNumber: Buffer.from(testSerialNumber(name), 'hex'), revocationDate: new Date('2026-02-28T23:59:59Z'), ...reason === undefined ? {} : { reason },
})

function crlOf(authority: TestAuthority, number: bigint, entries: CrlEntry[], extensions: Extension[] = [], from = thisUpdate): Promise<Buffer> {
  return signCrl({
    issuer: authority.name, thisUpdate: from, nextUpdate, entries,
    extensions: [authorityKeyIdentifier(authority.signer.subjectPublicKeyInfo), crlNumber(number), ...extensions],
  }, authority.signer)
}

const crlPem = (...crls: Buffer[]): string => crls.map(crl => toPem('X509 CRL', crl)).join('')

test('what is signed reads back as it was given', async t => {
  const authority = await newAuthority('Issuing')
  const der = await crlOf(authority, 7n, [revoked('a'), revoked('b', 1), revoked('c', 6)])
  const crl = parseCrl(der)

  t.deepEqual(crl.issuer.raw, authority.name)
  t.deepEqual([crl.thisUpdate, crl.nextUpdate], [thisUpdate, nextUpdate])
  t.is(readCrlNumber(crl), 7n)
  const revocationDate = new Date('2026-02-28T23:59:59Z')
  t.deepEqual([...crl.entries()], [
    { serialNumber: testSerialNumber('a'), revocationDate, reason: 0 },
    { serialNumber: testSerialNumber('b'), revocationDate, reason: 1 },
    { serialNumber: testSerialNumber('c'), revocationDate, reason: 6 },
  ])
  t.true(verifyCrl(crl, authority.signer.publicKey))
  t.false(verifyCrl(crl, newSigner().publicKey))
})

test('a CRL that revokes nothing has no list at all, and openssl verifies it', async t => {
  const authority = await newAuthority('Issuing', undefined, 'rsa2048')
  const der = await crlOf(authority, 1n, [])
  t.deepEqual([...parseCrl(der).entries()], [])
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const { text } = await run('openssl', ['crl', '-inform', 'DER', '-noout', '-text', '-CAfile', file('ca.pem', toPem('CERTIFICATE', authority.certificate))], der)
  t.regex(text, /verify OK/)
  t.regex(text, /No Revoked Certificates/)
})

test('the entries are what field-by-field DER would be, whatever the date and number', t => {
  const entry = fc.record({
    serialNumber: fc.uint8Array({ minLength: 1, maxLength: 20 }).map(bytes => Buffer.from(bytes)),
    revocationDate: fc.date({ min: new Date('1950-01-01T00:00:00Z'), max: new Date('2120-01-01T00:00:00Z'), noInvalidDate: true }),
    reason: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 8, 9, 10),
  })
  const slow = ({ serialNumber, revocationDate, reason = 0 }: CrlEntry): Buffer => sequence(
    integer(serialNumber), time(revocationDate),
    ...reason === 0 ? [] : [sequence(serializeExtension({ oid: '2.5.29.21', critical: false, value: enumerated(reason) }))],
  )
  fc.assert(fc.property(fc.array(entry, { maxLength: 40 }), entries => {
    t.deepEqual(serializeCrlEntries(entries), Buffer.concat(entries.map(slow)))
  }))
})

test('an entry that means nothing is refused', t => {
  const date = new Date('2026-03-01T09:00:00Z')
  for (const entry of [
    { serialNumber: Buffer.alloc(0), revocationDate: date }, { serialNumber: Buffer.alloc(21, 1), revocationDate: date },
    ...[7, 11, -1, 1.5].map(reason => ({ serialNumber: Buffer.from([1]), revocationDate: date, reason })),
  ]) t.throws(() => serializeCrlEntries([entry]), { code: 'invalid-argument' })
})

test('a hundred thousand entries are written, and read by openssl and by us', async t => {
  const authority = await newAuthority('Issuing')
  const entries = Array.from({ length: 100_000 }, (_, index) => {
    const serialNumber = Buffer.alloc(16, 0x41)
    serialNumber.writeUInt32BE(index, 12)
    return { serialNumber, revocationDate: new Date(thisUpdate.getTime() - index * 60_000), reason: index % 2 }
  })
  const der = await crlOf(authority, 1n, entries)
  let read = 0
  for (const { serialNumber, reason } of parseCrl(der).entries()) {
    if (serialNumber !== entries[read]!.serialNumber.toString('hex') || reason !== read % 2) t.fail(`entry ${read}`)
    read++
  }
  t.is(read, entries.length)
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const { text } = await run('openssl', ['crl', '-inform', 'DER', '-noout', '-text', '-CAfile', file('ca.pem', toPem('CERTIFICATE', authority.certificate))], der)
  t.regex(text, /verify OK/)
  t.is(text.match(/Serial Number: 41414141/g)?.length, entries.length)
  t.is(text.match(/Key Compromise/g)?.length, entries.length / 2)
})

test('openssl refuses a revoked certificate by its partition, and takes no other partition for it', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const authority = await newAuthority('Issuing')
  const partition = (n: number) => [`http://crl.example/p/${n}.crl`, `http://other.example/p/${n}.crl`]
  const idp = (n: number) => issuingDistributionPoint({ urls: partition(n), onlyContainsUserCerts: true })
  const leaf = (name: string, n: number) => issueTestCertificate(authority, testSerialNumber(name), newSigner(), [crlDistributionPoints([partition(n)[0]!])])
  const ca = file('ca.pem', toPem('CERTIFICATE', authority.certificate))
  const first = await crlOf(authority, 5n, [revoked('bad', 1)], [idp(1)])
  const second = await crlOf(authority, 5n, [], [idp(2)])
  const verify = async (name: string, n: number, crls: Buffer[]) => (await run('openssl', [
    'verify', '-x509_strict', '-attime', atNoon, '-crl_check', '-CAfile', ca, '-CRLfile', file('crls.pem', crlPem(...crls)),
    file('leaf.pem', toPem('CERTIFICATE', await leaf(name, n))),
  ])).text

  t.regex(await verify('bad', 1, [first, second]), /error 23 /)
  t.regex(await verify('bad', 1, [second, first]), /error 23 /)
  t.regex(await verify('good', 1, [first, second]), /OK/)
  t.regex(await verify('good', 2, [first, second]), /OK/)
  t.regex(await verify('good', 1, [second]), /error 44 /)
})

test('openssl honours base and delta: revoked in either is revoked, and what was taken back is good', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const authority = await newAuthority('Issuing')
  const ca = file('ca.pem', toPem('CERTIFICATE', authority.certificate))
  const base = await crlOf(authority, 5n, [revoked('old', 1), revoked('held', 6)], [freshestCrl('http://crl.example/delta.crl')])
  const delta = await crlOf(authority, 6n, [revoked('new', 1), revoked('held', 8)], [deltaCrlIndicator(5n)], new Date('2026-03-01T10:00:00Z'))
  const crls = file('crls.pem', crlPem(base, delta))
  const verify = async (name: string) => (await run('openssl', [
    'verify', '-attime', atNoon, '-crl_check', '-extended_crl', '-use_deltas', '-CAfile', ca, '-CRLfile', crls,
    file('leaf.pem', toPem('CERTIFICATE', await issueTestCertificate(authority, testSerialNumber(name), newSigner()))),
  ])).text

  t.regex(await verify('old'), /error 23 /)
  t.regex(await verify('new'), /error 23 /)
  t.regex(await verify('held'), /OK/)
  t.regex(await verify('other'), /OK/)
})

test('a CRL that openssl makes is read', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const authority = await newAuthority('Issuing')
  file('index.txt', `R\t490101000000Z\t260228235959Z,keyCompromise\t${testSerialNumber('a').toUpperCase()}\tunknown\t/CN=a\n`)
  file('number', '1000\n')
  const config = file('ca.cnf', [
    '[ca]', 'default_ca = d', '[d]', `database = ${file('index.txt')}`, `crlnumber = ${file('number')}`, 'default_md = sha384',
    'crl_extensions = e', '[e]', 'authorityKeyIdentifier = keyid', 'issuingDistributionPoint = critical,@i', '[i]',
    'fullname = URI:http://crl.example/a', 'onlyuser = TRUE',
  ].join('\n'))
  const made = await run('openssl', [
    'ca', '-gencrl', '-config', config, '-crldays', '30', '-out', file('made.pem'),
    '-cert', file('ca.pem', toPem('CERTIFICATE', authority.certificate)),
    '-keyfile', file('key.pem', authority.signer.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  ])
  t.is(made.status, 0, made.text)
  const crl = parseCrl((await run('openssl', ['crl', '-in', file('made.pem'), '-outform', 'DER'])).stdout)

  t.is(crl.signatureAlgorithm, 'ecdsa-with-SHA384')
  t.true(verifyCrl(crl, authority.signer.publicKey))
  t.is(readCrlNumber(crl), 0x1000n)
  t.deepEqual(readIssuingDistributionPoint(crl), { urls: ['http://crl.example/a'], onlyContainsUserCerts: true, otherLimits: false })
  t.deepEqual([...crl.entries()], [{ serialNumber: testSerialNumber('a'), revocationDate: new Date('2026-02-28T23:59:59Z'), reason: 1 }])
})

/** A CRL put together by hand, so that each part can be wrong. */
async function handmade(signer: Signer, parts: { version?: Buffer, inner?: Buffer, dates?: Buffer[], entries?: Buffer[], rest?: Buffer[] }): Promise<Buffer> {
  const algorithm = algorithmIdentifier(signer.algorithm)
  const tbs = sequence(
    parts.version ?? integer(1), parts.inner ?? algorithm, commonName('x'), ...parts.dates ?? [time(thisUpdate), time(nextUpdate)],
    sequence(...parts.entries ?? []), ...parts.rest ?? [],
  )
  return sequence(tbs, algorithm, bitString(await signer.sign(tbs)))
}

test('a CRL that must not be used is refused', async t => {
  const signer = newSigner()
  const number = serializeExtension(crlNumber(1n))
  const cases = {
    'no nextUpdate': await handmade(signer, { dates: [time(thisUpdate)] }),
    'version 3': await handmade(signer, { version: integer(2) }),
    'two signature algorithms': await handmade(signer, { inner: algorithmIdentifier('ecdsa-with-SHA384') }),
    'extensions in version 1': await handmade(signer, { version: Buffer.alloc(0), rest: [explicit(0, sequence(number))] }),
    'same extension twice': await handmade(signer, { rest: [explicit(0, sequence(number, number))] }),
    'a field too many': await handmade(signer, { rest: [integer(1)] }),
  }
  for (const [what, der] of Object.entries(cases)) t.throws(() => parseCrl(der), { code: 'malformed-crl' }, what)

  const entries = {
    'an indirect entry': sequence(integer(1), time(thisUpdate), sequence(serializeExtension({ oid: '2.5.29.29', critical: true, value: sequence() }))),
    'a reason that is no ENUMERATED': sequence(integer(1), time(thisUpdate), sequence(serializeExtension({ oid: '2.5.29.21', critical: false, value: integer(1) }))),
    'a negative serial number': sequence(Buffer.from([2, 1, 0x80]), time(thisUpdate)),
    'an extension with the wrong shape': sequence(integer(1), time(thisUpdate), sequence(sequence(oid('2.5.29.21'), octetString(enumerated(1)), integer(1)))),
  }
  for (const [what, entry] of Object.entries(entries)) {
    const crl = parseCrl(await handmade(signer, { entries: [entry] }))
    t.throws(() => [...crl.entries()], { code: 'malformed-crl' }, what)
  }
})

/** An entry as the general readers see it, or nothing when they refuse it. */
function fieldByField(bytes: Buffer): unknown {
  try {
    const fields = new Fields(parseDer(bytes))
    const serialNumber = readSerialNumber(fields.next())
    const revocationDate = readTime(fields.next())
    const extensions = fields.optional(0x30)
    fields.end()
    let reason = 0
    for (const { oid: type, critical, value } of extensions === undefined ? [] : parseExtensions(extensions)) {
      if (type === '2.5.29.21') reason = readSmallInteger(expectTag(parseDer(value), 0x0a))
      else if (critical) return undefined
    }
    return { serialNumber, revocationDate, reason }
  } catch {
    return undefined
  }
}

test('the quick way to read an entry never differs from the thorough one', t => {
  const good = [revoked('a'), revoked('b', 1)].map(entry => serializeCrlEntries([entry]))
  const change = fc.tuple(fc.nat(60), fc.oneof(fc.nat(255), fc.constantFrom(0x00, 0x17, 0x18, ...Buffer.from('/0123456789:Z'), 0x80)))
  let refused = 0
  fc.assert(fc.property(fc.constantFrom(...good), fc.array(change, { maxLength: 3 }), (entry, changes) => {
    const bytes = Buffer.from(entry)
    for (const [index, octet] of changes) bytes[index % bytes.length] = octet
    const expected = fieldByField(bytes)
    // After another entry of that day, whose date is then remembered.
    const both = Buffer.concat([good[0]!, bytes])
    if (expected === undefined) {
      refused++
      t.throws(() => [...readCrlEntries(both)], { code: 'malformed-crl' }, bytes.toString('hex'))
    } else {
      t.deepEqual([...readCrlEntries(both)], [fieldByField(good[0]!), expected], bytes.toString('hex'))
    }
  }), { numRuns: 4000 })
  t.true(refused > 100)
})

test('hostile bytes are read or refused, never anything else', async t => {
  const authority = await newAuthority('Issuing')
  const der = await crlOf(authority, 7n, [revoked('a'), revoked('b', 1)], [issuingDistributionPoint({ urls: ['http://a/'] })])
  feedHostileBytes(t, der, bytes => {
    const crl = parseCrl(bytes)
    readCrlNumber(crl)
    readIssuingDistributionPoint(crl)
    return [...crl.entries()].length + Number(verifyCrl(crl, authority.signer.publicKey))
  })
})
