import test from 'ava'
import { authorityKeyIdentifier, crlNumber, deltaCrlIndicator, issuingDistributionPoint } from '../../src/formats/extensions.ts'
import { toCrlNumber } from '../../src/formats/list-number.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { maxListBytes, verifyList, type ListFault, type ListMark, type VerifiedList } from '../../src/agent/verify-list.ts'
import { FeedServer, type ListOptions } from '../support/feed-server.ts'
import { newAuthority } from '../support/signers.ts'

const now = new Date('2026-03-01T09:00:00Z')
const minutes = (n: number): Date => new Date(now.getTime() + n * 60_000)
const partition0 = { authority: 'issuing', partition: 0 }
const address = (path: string): string => `http://pki.example/crl/${path}`

type Setting = { server: FeedServer, floor: ListMark }

async function setting(t: Parameters<typeof FeedServer.start>[0]): Promise<Setting> {
  const server = await FeedServer.start(t, { now: () => now })
  server.revoke('40ab')
  const first = await server.list(0, { number: 10, thisUpdate: minutes(-10), change: 1 })
  const verdict = verdictOf({ server, floor: undefined! }, first.der, undefined)
  if (verdict.outcome !== 'verified') throw new Error(JSON.stringify(verdict))
  return { server, floor: verdict.list }
}

const verdictOf = ({ server }: Setting, der: Buffer, floor: ListMark | undefined, loaded = true) =>
  verifyList(der, { name: partition0, issuer: parseCertificate(server.issuing.certificate), floor, loaded, now })

test('a newer list of the right CA and partition takes the place of the one in force', async t => {
  const { server, floor } = await setting(t)
  server.revoke('40ac00')
  const { der, sha256 } = await server.list(0, { number: 11, thisUpdate: minutes(-9), change: 2, serialNumbers: ['40ab', '40ac00'] })
  const verdict = verdictOf({ server, floor }, der, floor)
  t.is(verdict.outcome, 'verified')
  const { list } = verdict as { list: VerifiedList }
  t.deepEqual([list.crlNumber, list.sha256, list.change, [...list.serialNumbers]], [11n, sha256, 2, ['40ab', '40ac00']])
})

test('the list that is in force is no news, but counts again when it was lost', async t => {
  const it = await setting(t)
  const { der } = await it.server.list(0, { number: 10, thisUpdate: minutes(-10), change: 1, serialNumbers: [] })
  const verdict = verdictOf(it, der, undefined)
  t.is(verdict.outcome, 'verified')
  const floor = (verdict as { list: VerifiedList }).list
  t.deepEqual(verdictOf(it, der, floor), { outcome: 'unchanged' })
  t.is(verdictOf(it, der, floor, false).outcome, 'verified')
})

const good = { number: 11, thisUpdate: minutes(-9), change: 1 }
const eleventh = toCrlNumber({ crlNumber: 11n, change: 1n })
const key = (server: FeedServer) => authorityKeyIdentifier(server.issuing.signer.subjectPublicKeyInfo)

const refusals: [title: string, fault: ListFault, options: (server: FeedServer) => ListOptions | Promise<ListOptions>][] = [
  ['that is older', 'rolled-back', () => ({ ...good, number: 9 })],
  ['of the same number with other content', 'same-number-other-content', () => ({ ...good, number: 10, thisUpdate: minutes(-10) })],
  ['with a higher number that is not newer', 'not-newer', () => ({ ...good, thisUpdate: minutes(-10) })],
  ['that has ended', 'expired', () => ({ ...good, nextUpdate: minutes(0) })],
  ['of the future', 'from-the-future', () => ({ ...good, thisUpdate: minutes(6) })],
  ['whose count of changes goes back', 'change-went-back', () => ({ ...good, change: 0 })],
  ['signed by somebody else in the name of the CA', 'bad-signature', async () => ({ ...good, signer: await newAuthority('Test Issuing') })],
  ['of another CA', 'wrong-issuer', async () => { const other = await newAuthority('Other'); return { ...good, signer: other, issuer: other } }],
  ['of another partition', 'wrong-scope', server => ({ ...good, extensions: [key(server), crlNumber(eleventh), issuingDistributionPoint({ urls: [address('issuing/1.crl')] })] })],
  ['that is complete, beside the partitions', 'wrong-scope', server => ({ ...good, extensions: [key(server), crlNumber(eleventh)] })],
  ['of people only', 'wrong-scope', server => ({ ...good, extensions: [key(server), crlNumber(eleventh), issuingDistributionPoint({ urls: [address('issuing/0.crl')], onlyContainsUserCerts: true })] })],
  ['that is a delta', 'wrong-scope', server => ({ ...good, extensions: [key(server), crlNumber(eleventh), deltaCrlIndicator(toCrlNumber({ crlNumber: 10n, change: 1n })), issuingDistributionPoint({ urls: [address('issuing/0.crl')] })] })],
  ['with a critical extension that nobody knows', 'wrong-scope', server => ({ ...good, extensions: [key(server), crlNumber(eleventh), { oid: '1.2.3.4', critical: true, value: Buffer.from([5, 0]) }, issuingDistributionPoint({ urls: [address('issuing/0.crl')] })] })],
  ['without a number', 'malformed', server => ({ ...good, extensions: [key(server), issuingDistributionPoint({ urls: [address('issuing/0.crl')] })] })],
]

for (const [title, fault, options] of refusals) {
  test(`a list ${title} is refused`, async t => {
    const it = await setting(t)
    const { der } = await it.server.list(0, await options(it.server))
    const verdict = verdictOf(it, der, it.floor)
    t.is(verdict.outcome === 'refused' ? verdict.fault : verdict.outcome, fault)
  })
}

test('a list that was cut off anywhere is refused', async t => {
  const it = await setting(t)
  const { der } = await it.server.list(0, good)
  t.is(verdictOf(it, der, it.floor).outcome, 'verified')
  for (let length = 0; length < der.length; length++) t.is(verdictOf(it, der.subarray(0, length), it.floor).outcome, 'refused', `${length}`)
})

test('a list with one bit turned is refused', async t => {
  const it = await setting(t)
  const { der } = await it.server.list(0, good)
  for (let bit = 0; bit < der.length * 8; bit += 3) {
    const turned = Buffer.from(der)
    turned[bit >> 3]! ^= 1 << (bit & 7)
    t.is(verdictOf(it, turned, it.floor).outcome, 'refused', `${bit}`)
  }
})

test('a list that is too large is not even read', async t => {
  const it = await setting(t)
  const verdict = verdictOf(it, Buffer.alloc(maxListBytes + 1), it.floor)
  t.is(verdict.outcome === 'refused' ? verdict.fault : verdict.outcome, 'oversize')
})

test('the root\'s list may have been signed outside the service, where changes are not counted', async t => {
  const { server } = await setting(t)
  const root = { authority: 'root', partition: null }
  const ask = (der: Buffer, floor: ListMark | undefined) => verifyList(der, { name: root, issuer: parseCertificate(server.root.certificate), floor, loaded: true, now })
  const first = ask((await server.list(null, { number: 1, thisUpdate: minutes(-9), change: 5 })).der, undefined)
  t.is(first.outcome, 'verified')
  const second = await server.list(null, { number: 2, thisUpdate: minutes(-8), extensions: [authorityKeyIdentifier(server.root.signer.subjectPublicKeyInfo), crlNumber(2n)] })
  t.is(ask(second.der, (first as { list: VerifiedList }).list).outcome, 'verified')
})
