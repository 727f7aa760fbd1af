import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { mailSender } from '../../src/notify/mail.ts'
import { noticeFrontEnds } from '../../src/notify/front-ends.ts'
import { adminStore } from '../../src/store/access.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { receiptStore } from '../../src/store/receipts.ts'
import { testService } from '../support/service.ts'

async function given(t: ExecutionContext) {
  const service = await testService(t)
  const id = randomUUID()
  await frontEndStore(service.db).add({
    id, name: 'edge', kind: 'haproxy', convention: 'base64-der', authorityId: null, maxAgeSeconds: 900, whenStale: 'refuse', activeSync: 'observe', secretSha256: Buffer.alloc(32), createdAt: service.now(),
  } as never)
  await adminStore(service.db).add({ id: randomUUID(), name: 'Ada', email: 'ada@example.org', role: 'admin', createdAt: service.now(), endedAt: null })
  await adminStore(service.db).add({ id: randomUUID(), name: 'Tom', email: 'tom@example.org', role: 'auditor', createdAt: service.now(), endedAt: null })
  let sequence = 0
  const heard = async (more: object = {}): Promise<void> => {
    const receipt = {
      sequence: ++sequence, target: 'haproxy', targetVersion: null, change: 0, lists: [], appliedAt: service.now().toISOString(), fresh: true, refused: 0, clockOffsetMs: 0, canary: null, problems: [], ...more,
    }
    await receiptStore(service.db).put({ frontEndId: id, sequence, changeNumber: receipt.change, receipt }, service.now())
  }
  const senders = { mail: mailSender('smtp://127.0.0.1:9', 'latchkey@example.org'), webhook: async () => {} }
  const notice = async (): Promise<number> => await noticeFrontEnds(service, senders)
  const told = async (): Promise<{ kind: string, recipient: string | null, subject: string, body: string }[]> => await service.db.query('select kind, recipient, subject, body from outbox order by id')
  return { service, heard, notice, told }
}

test('a front end that fails is told of once, to whoever may act and by webhook, and so is its recovery', async t => {
  const { service, heard, notice, told } = await given(t)
  await heard()
  t.is(await notice(), 0)
  service.clock.advance(91)
  t.is(await notice(), 1)
  t.is(await notice(), 0)
  t.deepEqual((await told()).map(({ kind, recipient, subject }) => [kind, recipient, subject]), [
    ['mail', 'ada@example.org', 'Latchkey: edge does not enforce what it should (silent)'], ['webhook', null, 'front-end:edge'],
  ])
  await heard()
  t.is(await notice(), 1)
  t.is((await told())[2]!.subject, 'Latchkey: edge enforces what it should again')
  t.like(JSON.parse((await told())[3]!.body), { event: 'front-end.standing', frontEnd: 'edge', standing: 'in-force' })
})

test('a canary that got in is told with what was seen', async t => {
  const { heard, notice, told } = await given(t)
  await heard({ canary: { at: '2026-03-01T09:00:00.000Z', revokedRefused: false, goodPassed: true, detail: 'a revoked certificate got 200' }, problems: [{ code: 'canary-failed', detail: 'twice' }] })
  await Promise.all([notice(), notice()])
  const [mail, ...others] = await told()
  t.is(others.length, 1)
  t.regex(mail!.body, /did not do as it should\.\na revoked certificate got 200\ncanary-failed: twice\n/)
})
