import test from 'ava'
import { areas, grants, orderedScope, type Grant } from '../../../src/http/scope.ts'
import { openApiDocument } from '../../../src/protocols/api/openapi.ts'
import { grantFor, operations } from '../../../src/protocols/api/operations.ts'
import { tokenStore } from '../../../src/store/access.ts'
import { openApi, type Api } from '../../support/api.ts'
import { openCli } from '../../support/cli.ts'
import { openConsole } from '../../support/console.ts'
import { testService } from '../../support/service.ts'

const nobody = '6f1a3c1e-0000-4000-8000-000000000000'

/** What each operation answers to somebody with this token, when it is asked with something that it does not take. */
async function codes(api: Api, token: string): Promise<Map<string, string | undefined>> {
  const answers = new Map<string, string | undefined>()
  for (const { id, method, path } of operations) {
    const address = path.replaceAll(/\{id\}/g, nobody).replaceAll(/\{\w+\}/g, 'x')
    const inBody = method === 'post' || method === 'put'
    const response = await fetch(`${api.url}${address}${inBody ? '' : '?surprise=1'}`, {
      method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, ...inBody ? { body: '{"surprise":1}' } : {},
    })
    answers.set(id, (await response.json() as { code?: string }).code)
  }
  return answers
}

test('a token with a scope opens what the scope names and nothing else, over every operation there is', async t => {
  const api = await openApi(t, await testService(t))
  t.deepEqual([...new Set(operations.map(operation => grantFor(operation).replace(':read', '')))].sort(), [...areas].sort())
  for (const scope of [['invitations', 'certificates:read'], ['policy:read', 'tokens'], ['audit:read'], ['overview']] as Grant[][]) {
    const { token } = await api.ask('POST', '/tokens', { name: 'narrow', role: 'admin', scope })
    const answers = await codes(api, token)
    for (const operation of operations) {
      const needed = grantFor(operation)
      const within = scope.includes(needed) || scope.includes(needed.replace(':read', '') as Grant)
      t.is(answers.get(operation.id), within ? 'invalid-argument' : 'outside-scope', `${operation.id} with ${scope}`)
    }
  }
})

test('every grant of every area opens exactly its own part of the table', async t => {
  const api = await openApi(t, await testService(t))
  for (const grant of grants.filter(grant => grant.endsWith(':read'))) {
    const { token } = await api.ask('POST', '/tokens', { name: 'reader', role: 'admin', scope: [grant] })
    const opened = [...await codes(api, token)].filter(([, code]) => code !== 'outside-scope').map(([id]) => id)
    t.deepEqual(opened, operations.filter(operation => grantFor(operation) === grant).map(({ id }) => id), grant)
  }
})

test('a scope never gives more than the role does', async t => {
  const api = await openApi(t, await testService(t))
  const { token } = await api.ask('POST', '/tokens', { name: 'auditor of invitations', role: 'auditor', scope: ['invitations'] })
  const answers = await codes(api, token)
  t.is(answers.get('inviteList'), 'invalid-argument')
  t.is(answers.get('inviteCreate'), 'forbidden')
  t.is(answers.get('deviceList'), 'outside-scope')
})

test('a token with a scope makes no token that may use more than itself', async t => {
  const api = await openApi(t, await testService(t))
  const { token } = await api.ask('POST', '/tokens', { name: 'maker', role: 'admin', scope: ['tokens', 'invitations:read'] })
  const make = async (body: object): Promise<{ code?: string, scope?: string[] }> => await (await fetch(`${api.url}/tokens`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'made', ...body }),
  })).json() as { code?: string, scope?: string[] }
  t.is((await make({})).code, 'outside-scope')
  t.is((await make({ scope: ['invitations'] })).code, 'outside-scope')
  t.is((await make({ scope: ['policy:read'] })).code, 'outside-scope')
  t.deepEqual((await make({ scope: ['invitations:read', 'tokens:read'] })).scope, ['invitations:read', 'tokens:read'])
})

test('a scope is kept in one order, stands in lists and in the record, and one that says nothing is refused', async t => {
  const api = await openApi(t, await testService(t))
  t.deepEqual(orderedScope(['tokens:read', 'invitations:read', 'invitations', 'tokens:read']), ['invitations', 'tokens:read'])
  const { id, scope } = await api.ask('POST', '/tokens', { name: 'gateway', scope: ['certificates:read', 'invitations', 'invitations:read'] })
  t.deepEqual(scope, ['invitations', 'certificates:read'])
  t.deepEqual((await api.ask('GET', '/tokens')).items.find((token: { id: string }) => token.id === id).scope, scope)
  const { items } = await api.ask('GET', `/audit?subject=token:${id}`)
  t.deepEqual(items[0].detail.scope, scope)
  for (const wrong of [[], ['everything'], ['invitations:write'], 'invitations']) t.is(await api.refusal('POST', '/tokens', { name: 'x', scope: wrong }), 'invalid-argument')
  t.is((await api.ask('POST', '/tokens', { name: 'wide' })).scope, null)
})

test('the document names the scope of every operation', t => {
  const { paths } = openApiDocument(operations, 'https://ca.example/api/v1') as { paths: Record<string, Record<string, { 'x-scope': string }>> }
  for (const operation of operations) t.is(paths[operation.path]![operation.method]!['x-scope'], grantFor(operation))
  t.is(paths['/certificates/revoke']!['post']!['x-scope'], 'certificates')
  t.is(paths['/certificates']!['get']!['x-scope'], 'certificates:read')
})

test('a scope is given and shown at the command line', async t => {
  const cli = await openCli(t, await testService(t))
  const made = await cli('token', 'create', '--name', 'gateway', '--scope', 'invitations', '--scope', 'certificates:read')
  t.regex(made.out, /scope +invitations, certificates:read/)
  t.regex((await cli('token', 'list')).out, /gateway +operator +operator +invitations, certificates:read/)
  t.is((await cli('token', 'create', '--name', 'x', '--scope', 'all')).exitCode, 2)
})

test('a scope is ticked on the page of tokens; ticks and the choice must agree', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  const { text } = await client.get('/console/account/tokens')
  for (const area of areas) t.true(text.includes(`value="${area}:read"`), area)
  const send = async (fields: Record<string, string | string[]>): Promise<{ status: number, text: string }> =>
    await client.post('/console/account/tokens', { name: 'gateway', role: 'operator', until: '', ...fields })
  t.is((await send({ reach: 'some' })).status, 400)
  const refused = await send({ reach: 'all', scope: ['invitations'] })
  t.is(refused.status, 400)
  t.regex(refused.text, /value="invitations" checked/)
  t.is((await send({ reach: 'some', scope: ['nonsense'] })).status, 400)
  t.is((await send({ reach: 'some', scope: ['invitations', 'certificates:read'] })).status, 303)
  t.deepEqual((await tokenStore(service.db).list()).map(({ scope }) => scope), [['invitations', 'certificates:read']])
  t.regex((await client.get('/console/account/tokens')).text, /Invitations, reads Certificates/)
})
