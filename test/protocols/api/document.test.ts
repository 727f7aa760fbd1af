import test from 'ava'
import { openApiDocument } from '../../../src/protocols/api/openapi.ts'
import { parametersOf } from '../../../src/protocols/api/operation.ts'
import { operations } from '../../../src/protocols/api/operations.ts'
import { apiRouter } from '../../../src/protocols/api/router.ts'
import { openApi } from '../../support/api.ts'
import { listen } from '../../support/listen.ts'
import { testService } from '../../support/service.ts'

type Described = { operationId: string, parameters: { name: string, in: string, schema: object }[], requestBody?: object, responses: Record<string, object> }
const document = openApiDocument(operations, 'https://ca.example/api/v1') as { openapi: string, paths: Record<string, Record<string, Described>> }
const described = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })))

test('every route is in the document, and everything in the document is a route', async t => {
  const router = apiRouter(await testService(t))
  const routes = router.stack.flatMap(({ path, methods }) => methods.length > 4 ? [] : methods.filter(method => method !== 'HEAD').map(method => `${method} ${path}`))
  const promised = described.map(({ path, method }) => `${method.toUpperCase()} /api/v1${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
  t.deepEqual(routes.filter(route => !route.endsWith('/openapi.json')).sort(), promised.sort())
})

test('the document is served to anybody, as OpenAPI 3.1', async t => {
  const { url } = await openApi(t, await testService(t))
  const response = await fetch(`${url}/openapi.json`)
  t.is(response.headers.get('content-type'), 'application/json')
  const served = await response.json() as typeof document
  t.is(served.openapi, '3.1.0')
  t.deepEqual(Object.keys(served.paths), Object.keys(document.paths))
})

test('the document is made once, however often it is asked for', async t => {
  const service = await testService(t)
  let made = 0
  const url = await listen(t, [apiRouter({ ...service, config: { ...service.config, get url() { made++; return service.config.url } } })])
  const documents = await Promise.all(Array.from({ length: 5 }, async () => await (await fetch(`${url}/api/v1/openapi.json`)).text()))
  t.is(new Set(documents).size, 1)
  t.is(made, 1)
})

test('every operation has an id of its own, says its parameters, and says what it answers', t => {
  t.is(new Set(operations.map(operation => operation.id)).size, operations.length)
  for (const { path, method, operation } of described) {
    t.deepEqual(operation.parameters.filter(parameter => parameter.in === 'path').map(parameter => parameter.name), parametersOf(path))
    t.true(operation.parameters.every(parameter => parameter.schema !== undefined), operation.operationId)
    t.is(operation.requestBody !== undefined, method === 'post' || method === 'put', operation.operationId)
    t.deepEqual(Object.keys(operation.responses).length, 2, operation.operationId)
  }
})

test('no path of fixed words is taken by one with parameters that stands before it', t => {
  for (const [index, { method, path }] of operations.entries()) {
    const earlier = operations.slice(0, index).filter(candidate => candidate.method === method && candidate.path !== path)
    for (const { path: pattern } of earlier) t.notRegex(path, new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`))
  }
})

test('what the document does not name is refused by every operation', async t => {
  const api = await openApi(t, await testService(t))
  for (const { path, method, id } of operations) {
    const address = path.replaceAll(/\{id\}/g, '6f1a3c1e-0000-4000-8000-000000000000').replaceAll(/\{\w+\}/g, 'x')
    const code = method === 'get' || method === 'delete'
      ? await api.refusal(method.toUpperCase(), `${address}?surprise=1`) : await api.refusal(method.toUpperCase(), address, { surprise: 1 })
    t.is(code, 'invalid-argument', id)
  }
})
