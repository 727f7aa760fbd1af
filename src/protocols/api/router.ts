import { Readable } from 'node:stream'
import Router from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import { tokenSha256 } from '../../devices/secret-token.ts'
import { mistakeInWords } from '../../formats/mistake-words.ts'
import { CaError } from '../../errors.ts'
import { assertRole, type Actor } from '../../http/actor.ts'
import { parseJson, readBody } from '../../http/body.ts'
import { assertScope, type Grant } from '../../http/scope.ts'
import type { Service } from '../../http/service.ts'
import { tokenStore } from '../../store/access.ts'
import { csvOf } from './csv.ts'
import { openApiDocument } from './openapi.ts'
import { parametersOf, type Operation } from './operation.ts'
import { grantFor, operations } from './operations.ts'

export const apiPrefix = '/api/v1'

type Authenticate = (ctx: Context) => Promise<Actor>

/** The API for programs elsewhere: a bearer token says who asks. */
export const apiRouter = (service: Service): Router => routerFor(service, bearer(service))

/** Routes made from the table. Whoever mounts them also mounts `problems`, which answers what is thrown here. */
export function routerFor(service: Service, authenticate: Authenticate): Router {
  const router = new Router({ prefix: apiPrefix })
  // Made when somebody first asks: it takes some time, and anybody may ask.
  let document: string | undefined
  router.get('/openapi.json', ctx => { answer(ctx, 200, document ??= JSON.stringify(openApiDocument(operations, `${service.config.url}${apiPrefix}`))) })
  for (const operation of operations) {
    router.register(operation.path.replaceAll(/\{(\w+)\}/g, ':$1'), [operation.method], async ctx => {
      const actor = await authenticate(ctx)
      assertRole(actor, operation.role)
      assertScope(actor, grantFor(operation))
      const input = parseInput(operation, await inputOf(operation, ctx))
      if (operation.csv !== undefined) ctx.set('vary', 'accept')
      if (operation.csv !== undefined && ctx.accepts('application/json', 'text/csv') === 'text/csv') return answerCsv(ctx, await csvOf(operation, service, actor, input))
      answer(ctx, operation.status, JSON.stringify(await operation.run(service, actor, input)))
    })
  }
  // After all others: an address that is there, asked in a way that is not.
  for (const path of new Set(operations.map(operation => operation.path))) {
    router.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), ctx => {
      ctx.set('allow', operations.filter(operation => operation.path === path).map(operation => operation.method.toUpperCase()).join(', '))
      throw new CaError('method-not-allowed', 'this address does not take this method')
    })
  }
  return router
}

function answer(ctx: Context, status: number, json: string): void {
  ctx.status = status
  ctx.body = json
  ctx.set('content-type', 'application/json')
  ctx.set('cache-control', 'no-store')
}

function answerCsv(ctx: Context, lines: AsyncGenerator<string>): void {
  ctx.body = Readable.from(lines)
  ctx.set('content-type', 'text/csv; charset=utf-8')
  ctx.set('cache-control', 'no-store')
}

/** RFC 6750 §2.1. The token is found by its hash, so comparing it takes no time that depends on a stored secret. */
const bearer = (service: Service): Authenticate => async ctx => {
  const token = /^Bearer ([A-Za-z0-9_-]{16,200})$/i.exec(ctx.get('authorization'))?.[1]
  const found = token === undefined ? undefined : await tokenStore(service.db).inForce(tokenSha256(token), service.now())
  if (found === undefined) throw new CaError('unauthorized', 'this needs a bearer token that is in force')
  return { name: found.name, role: found.actsAs, scope: found.scope as Grant[] | null, source: `token ${found.id} from ${ctx.ip}`, adminId: found.adminId ?? found.madeBy }
}

/** Everything the caller said, every name from one place only. */
async function inputOf(operation: Operation, ctx: Context): Promise<Record<string, unknown>> {
  const given = operation.method === 'get' || operation.method === 'delete' ? { ...ctx.query } : await bodyOf(ctx, operation.maxBodyBytes)
  for (const name of parametersOf(operation.path)) {
    if (Object.hasOwn(given, name)) throw new CaError('invalid-argument', `${name} stands in the path and nowhere else`)
    given[name] = ctx['params'][name]
  }
  return given
}

async function bodyOf(ctx: Context, maxBodyBytes: number): Promise<Record<string, unknown>> {
  // Before the body is read; also what keeps a web page elsewhere from sending one.
  if (ctx.is('json') !== 'json') throw new CaError('unsupported-media-type', 'the body must be application/json')
  const value = parseJson(await readBody(ctx.req, maxBodyBytes))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new CaError('invalid-argument', 'the body must be a JSON object')
  return value as Record<string, unknown>
}

/** @throws {CaError} invalid-argument, naming every place that is wrong */
function parseInput(operation: Operation, given: Record<string, unknown>): unknown {
  const { success, data, error } = operation.input.safeParse(given)
  if (success) return data
  throw new CaError('invalid-argument', error.issues.slice(0, 20).map(issue => inWords(issue)).join('; '))
}

const inWords = (issue: z.core.$ZodIssue): string => issue.path.length === 0 ? mistakeInWords(issue) : `${issue.path.join('.')}: ${mistakeInWords(issue)}`
