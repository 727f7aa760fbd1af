import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { planPublication, type PublishedCrl } from '../../src/certificates/publish.ts'
import { parseCrl, verifyCrl, type Crl } from '../../src/formats/crl.ts'
import { readAuthorityKeyIdentifier, readCrlDistributionPoints, readCrlNumber, readDeltaCrlIndicator, readFreshestCrl, readIssuingDistributionPoint } from '../../src/formats/extension-readers.ts'
import { fromCrlNumber } from '../../src/formats/list-number.ts'
import { registerPartitions } from '../../src/store/authorities.ts'
import { certificateStore } from '../../src/store/certificates.ts'
import { crlFileStore } from '../../src/store/crls.ts'
import { holdNow, issueDevice, releaseNow, revokeNow, type Issued } from '../support/issued.ts'
import { refusalOfAsync } from '../support/refusals.ts'
import { testService, type TestService } from '../support/service.ts'

const now = new Date('2026-03-01T09:00:00.500Z')
const crl = (scope: PublishedCrl['scope'], thisUpdate: string, changeNumber = 0, partition = 0): PublishedCrl =>
  ({ scope, partition, crlNumber: 1, thisUpdate: new Date(thisUpdate), nextUpdate: new Date('2027-01-01T00:00:00Z'), changeNumber })
const published = (thisUpdate: string, changeNumber = 0) => [crl('complete', thisUpdate, changeNumber), crl('delta', thisUpdate, changeNumber), crl('partition', thisUpdate, changeNumber)]
const situation = { partitions: 1, changeNumber: 0, newAddress: false, now, full: false, fullEveryMs: 3_600_000 }

test('what is published follows from what has changed and how old the complete list is', t => {
  const thisUpdate = new Date('2026-03-01T09:00:00Z')
  const recent = published('2026-03-01T08:59:00Z', 4)
  const plan = (latest: PublishedCrl[], changes: Partial<typeof situation>) => planPublication(latest, { ...situation, changeNumber: 4, ...changes })

  t.is(plan(recent, {}), 'nothing-new')
  t.deepEqual(plan(recent, { changeNumber: 5 }), { full: false, since: 4, thisUpdate })
  t.deepEqual(plan([], { changeNumber: 0 }), { full: true, since: 0, thisUpdate })
  t.deepEqual(plan(recent, { full: true }), { full: true, since: 4, thisUpdate })
  t.deepEqual(plan(recent, { partitions: 2 }), { full: true, since: 4, thisUpdate })
  t.deepEqual(plan(recent, { newAddress: true }), { full: true, since: 4, thisUpdate })
  t.deepEqual(plan(published('2026-03-01T08:00:00Z', 4), {}), { full: true, since: 4, thisUpdate })
})

test('two lists never have the same second, and a clock that went back publishes nothing', t => {
  t.is(planPublication(published('2026-03-01T09:00:00Z'), { ...situation, changeNumber: 1 }), 'too-soon')
  t.is(planPublication(published('2026-03-01T09:00:01Z'), { ...situation, full: true }), 'too-soon')
})

const issuing = (service: TestService) => activeAuthority(service.authorities(), 'issuing')

async function newest(service: TestService, scope: PublishedCrl['scope'], partition = 0): Promise<Crl> {
  const store = crlFileStore(service.db)
  const head = (await store.newest(issuing(service).id, scope, partition))!
  return parseCrl((await store.read(head))!)
}
const partitionOf = (issued: Issued): number => issued.serialNumber[15]! % 2
const listed = (list: Crl): [string, number][] => [...list.entries()].map(({ serialNumber, reason }) => [serialNumber, reason])
const publishIssuing = async (service: TestService, full = false) => (await service.publish(full))[0]

test('a revocation stands on its partition and on the delta at once, and on the complete list in its time', async t => {
  const service = await testService(t)
  t.is(await publishIssuing(service), 'published')
  t.is(await publishIssuing(service), 'nothing-new')
  const issued = await issueDevice(service)
  const serial = issued.certificate.serialNumber
  await revokeNow(service, issued, 'keyCompromise')
  t.is(await publishIssuing(service), 'too-soon')
  service.clock.advance(1)
  t.is(await publishIssuing(service), 'published')

  t.deepEqual(listed(await newest(service, 'partition', partitionOf(issued))), [[serial, 1]])
  t.deepEqual(listed(await newest(service, 'partition', 1 - partitionOf(issued))), [])
  t.deepEqual(listed(await newest(service, 'delta')), [[serial, 1]])
  t.deepEqual(listed(await newest(service, 'complete')), [])
  t.deepEqual(fromCrlNumber(readDeltaCrlIndicator(await newest(service, 'delta'))!), { crlNumber: 1n, change: 0n })
  t.deepEqual(fromCrlNumber(readCrlNumber(await newest(service, 'delta'))!), { crlNumber: 2n, change: 1n })

  service.clock.advance(3600)
  t.is(await publishIssuing(service), 'published')
  t.deepEqual(listed(await newest(service, 'complete')), [[serial, 1]])
  t.deepEqual(listed(await newest(service, 'delta')), [])
  t.is(readDeltaCrlIndicator(await newest(service, 'delta')), readCrlNumber(await newest(service, 'complete')))
})

test('numbers and thisUpdate only grow, also when many publish at once', async t => {
  const service = await testService(t)
  const numbers: bigint[] = []
  const times: number[] = []
  for (let round = 0; round < 4; round++) {
    await revokeNow(service, await issueDevice(service))
    await Promise.all([publishIssuing(service), publishIssuing(service), publishIssuing(service, true)])
    const delta = await newest(service, 'delta')
    numbers.push(fromCrlNumber(readCrlNumber(delta)!).crlNumber)
    times.push(delta.thisUpdate.getTime())
    service.clock.advance(1)
  }
  t.deepEqual(numbers, [1n, 2n, 3n, 4n])
  t.deepEqual(times, [...new Set(times)].sort())
  const [row] = await service.db.query<{ crl_number: number }>(`select crl_number from authorities where name = 'issuing'`)
  t.is(row!.crl_number, 4)
})

test('a release takes the entry off its partition, and says removeFromCRL on the delta until the next complete list', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  const serial = issued.certificate.serialNumber
  await holdNow(service, issued)
  await publishIssuing(service)
  t.deepEqual(listed(await newest(service, 'partition', partitionOf(issued))), [[serial, 6]])
  t.deepEqual(listed(await newest(service, 'complete')), [[serial, 6]])

  service.clock.advance(1)
  await releaseNow(service, issued)
  await publishIssuing(service)
  t.deepEqual(listed(await newest(service, 'partition', partitionOf(issued))), [])
  t.deepEqual(listed(await newest(service, 'complete')), [[serial, 6]])
  t.deepEqual(listed(await newest(service, 'delta')), [[serial, 8]])

  service.clock.advance(1)
  await publishIssuing(service, true)
  t.deepEqual(listed(await newest(service, 'complete')), [])
  t.deepEqual(listed(await newest(service, 'delta')), [])
  t.is((await certificateStore(service.db).byKey(issued))!.revocation, null)
})

test('what is held and released before a list could name it is on none, and every partition says that it covers the release', async t => {
  const service = await testService(t)
  await publishIssuing(service)
  service.clock.advance(1)
  const issued = await issueDevice(service)
  await holdNow(service, issued)
  await releaseNow(service, issued)
  t.is(await publishIssuing(service), 'published')
  const released = (await certificateStore(service.db).byKey(issued))!.revocation!.changeNumber
  for (const partition of [0, 1]) {
    const list = await newest(service, 'partition', partition)
    t.deepEqual(listed(list), [])
    t.is(fromCrlNumber(readCrlNumber(list)!).change, BigInt(released))
  }
})

test('an entry leaves only after it has stood on every list issued after its certificate expired', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service, { validityDays: 1 })
  const serial = issued.certificate.serialNumber
  const everywhere = async () => [
    listed(await newest(service, 'complete')).length, listed(await newest(service, 'partition', partitionOf(issued))).length,
  ]
  await publishIssuing(service)
  service.clock.advance(86_300)
  await revokeNow(service, issued)
  await publishIssuing(service, true)
  t.deepEqual(await everywhere(), [1, 1])

  // It has expired. The newest lists are older than that, so the next ones still name it.
  service.clock.advance(3600)
  await publishIssuing(service, true)
  t.deepEqual(await everywhere(), [1, 1])
  service.clock.advance(1)
  await publishIssuing(service, true)
  t.deepEqual(await everywhere(), [0, 0])
  t.is((await certificateStore(service.db).byKey(issued))!.revocation?.reason, 0, `${serial} stays revoked on record`)
})

test('what is revoked only after it expired is listed once, and then leaves', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service, { validityDays: 1 })
  service.clock.advance(90_000)
  await publishIssuing(service, true)
  service.clock.advance(1)
  await revokeNow(service, issued)
  await publishIssuing(service, true)
  t.is(listed(await newest(service, 'complete')).length, 1)
  service.clock.advance(1)
  await publishIssuing(service, true)
  t.is(listed(await newest(service, 'complete')).length, 0)
})

test('a partition names every address ever written for it, and a new one is on every list before the next second', async t => {
  const service = await testService(t)
  await publishIssuing(service)
  const old = await issueDevice(service)
  const { id } = issuing(service)
  await registerPartitions(service.db, id, 2, partition => `http://pki.example/crl/issuing/${partition}.crl`)
  service.clock.advance(1)
  t.is(await publishIssuing(service), 'published')
  t.is(await publishIssuing(service), 'nothing-new')

  for (const partition of [0, 1]) {
    const { urls } = readIssuingDistributionPoint(await newest(service, 'partition', partition))!
    t.deepEqual(urls, [`http://localhost:8080/crl/issuing/${partition}.crl`, `http://pki.example/crl/issuing/${partition}.crl`])
  }
  const own = readCrlDistributionPoints(old.certificate)!
  t.true(readIssuingDistributionPoint(await newest(service, 'partition', partitionOf(old)))!.urls.includes(own[0]!))
})

test('partitions become more and never fewer, and certificates keep theirs', async t => {
  const service = await testService(t)
  const before = await issueDevice(service)
  await publishIssuing(service)
  const { id } = issuing(service)
  const url = (partition: number) => service.addresses.partitionCrl('issuing', partition)
  t.is(await registerPartitions(service.db, id, 4, url), 4)
  t.is(await registerPartitions(service.db, id, 3, url), 4)
  await service.reload()
  service.clock.advance(1)
  await revokeNow(service, before)
  t.is(await publishIssuing(service), 'published')
  for (const partition of [0, 1, 2, 3]) t.is(fromCrlNumber(readCrlNumber(await newest(service, 'partition', partition))!).crlNumber, 2n)
  t.deepEqual(listed(await newest(service, 'partition', partitionOf(before))), [[before.certificate.serialNumber, 0]])
})

test('a partition without an address on record is not published', async t => {
  const service = await testService(t)
  await service.db.query('delete from crl_addresses')
  t.is(await refusalOfAsync(() => publishIssuing(service)), 'crl-not-published')
  t.is((await service.db.query('select 1 from crls c join authorities a on a.id = c.authority_id where a.name = $1', ['issuing'])).length, 0)
})

test('the complete list says where its delta is, and every list is signed by the authority it names', async t => {
  const service = await testService(t)
  await publishIssuing(service)
  const { certificate } = issuing(service)
  t.deepEqual(readFreshestCrl(await newest(service, 'complete')), ['http://localhost:8080/crl/issuing-delta.crl'])
  t.is(readIssuingDistributionPoint(await newest(service, 'complete')), undefined)
  for (const scope of ['complete', 'delta', 'partition'] as const) {
    const list = await newest(service, scope)
    t.true(verifyCrl(list, certificate.publicKey))
    t.deepEqual(list.issuer.raw, certificate.subject.raw)
    t.is(readAuthorityKeyIdentifier(list)?.length, 20)
    t.is(list.nextUpdate.getTime() - list.thisUpdate.getTime(), 7 * 86_400_000)
  }
})

test('the two newest lists of each scope stay, older ones go', async t => {
  const service = await testService(t)
  for (let round = 0; round < 4; round++) {
    await publishIssuing(service, true)
    service.clock.advance(1)
  }
  const rows = await service.db.query<{ crl_number: number }>(`
    select c.crl_number from crls c join authorities a on a.id = c.authority_id where a.name = 'issuing' and c.scope = 'delta' order by 1`)
  t.deepEqual(rows.map(row => row.crl_number), [3, 4])
})
