/** Whether there is an account: neither the answer nor the work behind it tells. */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import test, { type ExecutionContext } from 'ava'
import { hashPassword } from '../../src/http/password.ts'
import { consumeSetupLink, createSetupLink } from '../../src/http/setup-link.ts'
import { adminStore, type Admin } from '../../src/store/access.ts'
import { visitor, type Client } from '../support/console.ts'
import { testService, type TestService } from '../support/service.ts'

const password = 'nine purple herons at dawn'
const email = 'grace@example.org'

async function withAdmin(t: ExecutionContext): Promise<{ service: TestService, client: Client, admin: Admin }> {
  const service = await testService(t)
  const token = new URL((await createSetupLink(service)).url).searchParams.get('token')!
  const admin = await consumeSetupLink(service, token, { name: 'Grace Hopper', email, passwordHash: await hashPassword(password) })
  return { service, client: await visitor(t, service), admin }
}

// Alone, because it counts what this process computes.
test.serial('signing in takes the same work and gives the same answer for who is known, unknown, ended, or has no password', async t => {
  const { service, client, admin } = await withAdmin(t)
  const added = async (name: string, endedAt: Date | null): Promise<void> => {
    await adminStore(service.db).add({ ...admin, id: crypto.randomUUID(), name, email: `${name}@example.org`, endedAt: null })
    if (endedAt !== null) await service.db.query('update admins set ended_at = $1 where name = $2', [endedAt, name])
  }
  await added('ended', service.now())
  await added('empty', null)
  const works: string[] = []
  const { argon2 } = crypto
  crypto.argon2 = ((algorithm: string, parameters: crypto.Argon2Parameters, ...rest: never[]) => {
    works.push(`${algorithm} ${parameters.memory} ${parameters.passes} ${parameters.parallelism} ${parameters.tagLength}`)
    return (argon2 as (...all: unknown[]) => void)(algorithm, parameters, ...rest)
  }) as typeof argon2
  syncBuiltinESMExports()
  t.teardown(() => { crypto.argon2 = argon2; syncBuiltinESMExports() })
  const answers = []
  for (const name of ['grace', 'ended', 'empty', 'nobody', 'GRACE', 'x'.repeat(300)]) {
    works.length = 0
    const { status, text, headers } = await client.post('/console/sign-in', { email: `${name}@example.org`, password: 'not the password' })
    // But for a number of ours, and the address as it was typed.
    const plain = text.replaceAll(/data-options="[^"]*"/g, '').replaceAll(/value="[^"]*@[^"]*"|value="x+"/g, '')
    answers.push({ status, plain, names: [...headers.keys()].sort(), cookies: headers.getSetCookie(), works: [...works] })
  }
  for (const answer of answers) t.deepEqual(answer, answers[0])
  t.is(answers[0]!.works.length, 1)
  t.is(answers[0]!.status, 401)
})

test.serial('neither a passkey nor a recovery code tells whom there is', async t => {
  const { service, client, admin } = await withAdmin(t)
  // No page says which passkeys there are: the browser asks its owner.
  const options = JSON.parse(/data-options="([^"]*)"/.exec((await client.get('/console/sign-in')).text)![1]!.replaceAll('&quot;', '"')) as { allowCredentials?: unknown[] }
  t.deepEqual(options.allowCredentials ?? [], [])
  const code = async (id: string): Promise<[number, string]> => {
    const { status, text } = await client.post('/console/sign-in/recovery', { admin: id, ticket: 'x', code: 'aaaa-aaaa-aaaa-aaaa', next: '' })
    return [status, text.replaceAll(id, '')]
  }
  t.deepEqual(await code(admin.id), await code(crypto.randomUUID()))
  t.is((await service.db.query('select 1 from console_sessions')).length, 0)
})
