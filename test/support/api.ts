/** The API as a program elsewhere uses it. Every answer is held against what the document promises. */
import { randomUUID } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { newSecretToken, tokenSha256 } from '../../src/devices/secret-token.ts'
import { localActor } from '../../src/http/actor.ts'
import { operations } from '../../src/protocols/api/operations.ts'
import { apiRouter, routerFor } from '../../src/protocols/api/router.ts'
import { tokenStore, type Role } from '../../src/store/access.ts'
import { listen } from './listen.ts'
import type { TestService } from './service.ts'

export type ApiAnswer = { status: number, body: any, headers: Headers }
export type Api = {
  readonly url: string
  readonly token: string
  /** `path` is under /api/v1. */
  call(method: string, path: string, body?: unknown): Promise<ApiAnswer>
  /** The same, and it must succeed. */
  ask<T = any>(method: string, path: string, body?: unknown): Promise<T>
  /** The code with which it is refused. */
  refusal(method: string, path: string, body?: unknown): Promise<string>
}

export async function newToken(service: TestService, role: Role, expiresAt: Date | null = null): Promise<string> {
  const token = newSecretToken()
  await tokenStore(service.db).add({ id: randomUUID(), name: `test ${role}`, role, scope: null, adminId: null, madeBy: null, createdAt: service.now(), expiresAt, endedAt: null }, tokenSha256(token))
  return token
}

export async function openApi(t: ExecutionContext<any>, service: TestService, role: Role = 'admin'): Promise<Api> {
  return await apiAt(t, `${await listen(t, [apiRouter(service)])}/api/v1`, await newToken(service, role))
}

/** What a command on the service's own machine reaches: nobody asks who it is. */
export async function openLocalApi(t: ExecutionContext<any>, service: TestService): Promise<Api> {
  return await apiAt(t, `${await listen(t, [routerFor(service, async () => localActor)])}/api/v1`, '')
}

export async function apiAt(t: ExecutionContext<any>, url: string, token: string): Promise<Api> {
  const call = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const headers = { authorization: `Bearer ${token}`, ...body === undefined ? {} : { 'content-type': 'application/json' } }
    const response = await fetch(`${url}${path}`, { method, headers, ...body === undefined ? {} : { body: JSON.stringify(body) } })
    const answer = { status: response.status, body: await response.json(), headers: response.headers }
    holdAgainstDocument(t, method, path, answer)
    return answer
  }
  return {
    url, token, call,
    async ask(method, path, body) {
      const answer = await call(method, path, body)
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
      return answer.body
    },
    async refusal(method, path, body) {
      const answer = await call(method, path, body)
      return answer.body.code ?? `no refusal: ${answer.status}`
    },
  }
}

function holdAgainstDocument(t: ExecutionContext<any>, method: string, path: string, { status, body, headers }: ApiAnswer): void {
  if (status >= 300) {
    t.is(headers.get('content-type'), 'application/problem+json')
    t.is(body.status, status)
    return
  }
  const plain = path.split('?')[0]!
  const operation = operations.find(candidate => candidate.method === method.toLowerCase() && new RegExp(`^${candidate.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(plain))!
  t.is(status, operation.status)
  const { success, error } = operation.output.safeParse(body)
  t.true(success, `${operation.id}: ${error?.message}`)
}
