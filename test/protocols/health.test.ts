import test, { type ExecutionContext } from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { healthRouter } from '../../src/protocols/health/router.ts'
import { listen } from '../support/listen.ts'
import { testService, type TestService } from '../support/service.ts'

const day = 86_400

async function opened(t: ExecutionContext<any>, service: TestService) {
  const origin = await listen(t, [healthRouter(service)])
  return {
    ready: async () => {
      const response = await fetch(`${origin}/readyz`)
      const { problems, warnings } = await response.json() as { problems: string[], warnings: string[] }
      return { status: response.status, problems, warnings: warnings.filter(warning => /list/.test(warning)) }
    },
    metrics: async () => await (await fetch(`${origin}/metrics`)).text(),
  }
}

const endOf = (service: TestService, name: string): string =>
  service.authorities().all.find(authority => authority.name === name)!.certificate.notAfter.toISOString()

test('a service whose lists are not published, or have ended, is not ready', async t => {
  const service = await testService(t)
  const health = await opened(t, service)
  t.deepEqual(await health.ready(), { status: 503, problems: ['no revocation list of issuing is published yet'], warnings: [] })
  await service.publish()
  t.deepEqual(await health.ready(), { status: 200, problems: [], warnings: [] })
  service.clock.advance(8 * day)
  t.deepEqual(await health.ready(), { status: 503, problems: ['a revocation list of issuing has ended: front ends refuse everybody'], warnings: [] })
})

test('it is said a month ahead that a root’s list ends, for nobody here may have its key', async t => {
  const service = await testService(t)
  const health = await opened(t, service)
  service.clock.advance((5 * 365 - 31) * day)
  await service.publish()
  t.deepEqual((await health.ready()).warnings, [])
  service.clock.advance(2 * day)
  t.deepEqual(await health.ready(), { status: 200, problems: [], warnings: ['the list of root ends on 2031-02-28: sign the next one (latchkey authority root-crl --root root)'] })
  service.clock.advance(30 * day)
  await service.publish()
  t.deepEqual((await health.ready()).problems, ['a revocation list of root has ended: front ends refuse everybody'])
})

test('the ended list of an authority that was replaced is told, and does not stop those of its successor', async t => {
  const service = await testService(t)
  const health = await opened(t, service)
  await service.publish()
  const { key, certificate } = activeAuthority(service.authorities(), 'root')
  await service.db.query(`insert into authorities (name, role, certificate, key_id, active, created_at)
    values ('root-0', 'root', $1, $2, false, $3)`, [certificate.raw, key.id, service.now()])
  await service.db.query(`insert into crls select (select id from authorities where name = 'root-0'), scope, partition, crl_number, base_crl_number, this_update,
    $2::timestamptz, change_number, entries, der, sha256 from crls where authority_id = $1`, [activeAuthority(service.authorities(), 'root').id, new Date(service.now().getTime() + 5000)])
  await service.reload()
  service.clock.advance(10)
  t.deepEqual(await health.ready(), { status: 200, problems: [], warnings: ['a revocation list of root-0 has ended: front ends refuse the phones under it'] })
})

test('lists of authorities that have ended are measured no more', async t => {
  const service = await testService(t)
  const health = await opened(t, service)
  await service.publish()
  t.regex(await health.metrics(), /latchkey_crl_next_update_timestamp_seconds\{authority="root",scope="complete",partition="0"\} \d+\n/)
  service.clock.set(endOf(service, 'issuing'))
  service.clock.advance(1)
  t.notRegex(await health.metrics(), /latchkey_crl_next_update_timestamp_seconds\{authority="issuing"/)
  t.regex(await health.metrics(), /latchkey_crl_next_update_timestamp_seconds\{authority="root"/)
})
