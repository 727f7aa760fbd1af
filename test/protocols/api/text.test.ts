/** Text that nobody writes: every place of every operation is tried with it. */
import test from 'ava'
import { z } from 'zod'
import { operations } from '../../../src/protocols/api/operations.ts'
import { parametersOf } from '../../../src/protocols/api/operation.ts'
import { openApi } from '../../support/api.ts'
import { testService } from '../../support/service.ts'

type Schema = {
  type?: string, format?: string, enum?: unknown[], const?: unknown, default?: unknown, properties?: Record<string, Schema>, required?: string[]
  items?: Schema, anyOf?: Schema[], minimum?: number
}
const control = { 'NUL': '\u0000', 'a bell': '\u0007', 'an escape': '\u001b', 'delete': '\u007f', 'a C1 control': '\u0085', 'half a character': '\ud800' }

const inputOf = (schema: z.ZodType): Schema => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema

/** Something of this kind, most of which is refused later: what matters is that it is refused and does not break. */
function sample(schema: Schema): unknown {
  if (schema.anyOf !== undefined) return sample(schema.anyOf[0]!)
  if (schema.enum !== undefined) return schema.enum[0]
  switch (schema.type) {
    case 'object': return Object.fromEntries((schema.required ?? []).map(name => [name, sample(schema.properties?.[name] ?? {})]))
    case 'array': return [sample(schema.items ?? {})]
    case 'integer': case 'number': return Math.max(1, schema.minimum ?? 1)
    case 'boolean': return true
    default: return schema.format === 'uuid' ? '6f1a3c1e-0000-4000-8000-000000000000' : schema.format === 'email' ? 'ada@example.org' : schema.format === 'date-time' ? '2027-01-01T00:00:00Z' : 'text'
  }
}

/** The value with `bad` in place of each text in turn, also of those that could be left out. */
function* spoilt(schema: Schema, bad: string): Generator<unknown> {
  for (const each of schema.anyOf ?? []) yield* spoilt(each, bad)
  if (schema.type === 'object') {
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      for (const value of spoilt(inner, bad)) yield { ...sample(schema) as object, [name]: value }
    }
  } else if (schema.type === 'array') {
    for (const value of spoilt(schema.items ?? {}, bad)) yield [value]
  } else if (schema.type === 'string' || schema.type === undefined && schema.anyOf === undefined) {
    yield `te${bad}xt`
    if (schema.type === undefined) yield { [`te${bad}xt`]: `te${bad}xt` }
  }
}

for (const [what, bad] of Object.entries(control)) {
  test(`${what} in a text is refused wherever it stands, and is no defect`, async t => {
    const service = await testService(t)
    const api = await openApi(t, service)
    let tried = 0
    for (const operation of operations) {
      for (const input of spoilt(inputOf(operation.input), bad)) {
        const given = { ...input as Record<string, unknown> }
        const path = parametersOf(operation.path).reduce((made, name) => {
          const value = encodeURIComponent(String(given[name]).toWellFormed())
          delete given[name]
          return made.replace(`{${name}}`, value)
        }, operation.path)
        const inBody = operation.method === 'post' || operation.method === 'put'
        const query = new URLSearchParams(Object.entries(given).map(([name, value]): [string, string] => [name, String(value)]))
        // An address cannot carry half a character.
        if (bad === '\ud800' && (!inBody || path.includes('%EF%BF%BD'))) continue
        const { status, body } = inBody ? await api.call(operation.method.toUpperCase(), path, given) : await api.call(operation.method.toUpperCase(), `${path}?${query}`)
        // A check names what it found wrong in its answer, and what is explained may be anything that somebody sent.
        t.true(status >= 400 && status < 500 || operation.id === 'templateCheck' && body.mistakes.length > 0 || operation.id === 'activesyncExplain' && status === 200, `${operation.id} ${JSON.stringify(input)}: ${status} ${JSON.stringify(body)}`)
        tried++
      }
    }
    t.true(tried > 40, String(tried))
    t.deepEqual(await service.db.query('select action from audit'), [])
  })
}

test('a text that would be kept says what is wrong with it', async t => {
  const api = await openApi(t, await testService(t))
  for (const [path, body] of [
    ['/certificates/revoke', { device: 'a\u0000b' }], ['/certificates/revoke', { person: 'ada@example.org', cause: 'a\u0000b' }],
    ['/invitations', { name: 'Ada', email: 'ada@example.org', groups: ['a\u0000b'] }], ['/tokens', { name: 'a\u0000b' }],
    ['/rules', { verdict: 'block', conditions: { group: 'a\u0000b' }, reason: 'x' }], ['/rules', { verdict: 'block', conditions: { productType: '*' }, reason: 'a\u0000b' }],
  ] as [string, object][]) {
    const { status, body: problem } = await api.call('POST', path, body)
    t.is(status, 400)
    t.is(problem.code, 'invalid-argument', path)
    t.regex(problem.detail, /control character/, path)
  }
  t.is(await api.refusal('GET', '/audit?subject=a%00b'), 'invalid-argument')
  t.is((await api.call('POST', '/certificates/revoke', { device: 'x', cause: 'two\nlines,\tand a tab' })).body.code, 'device-not-found', 'reasons may have lines')
})
