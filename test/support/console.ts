/** The console as a browser without script uses it: a cookie jar, forms with their token, and pages held to a strict reading. */
import { createServer } from 'node:http'
import { randomBytes, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { createApp } from '../../src/app.ts'
import { tokenSha256 } from '../../src/devices/secret-token.ts'
import { sessionMs } from '../../src/http/session.ts'
import type { Service } from '../../src/http/service.ts'
import { adminStore, type Admin, type Role } from '../../src/store/access.ts'
import { sessionStore } from '../../src/store/sessions.ts'
import { faultsOfPage } from './strict-html.ts'

export type Fields = Record<string, string | string[]>
export type PageAnswer = { status: number, text: string, headers: Headers, location: string | null }
export type Client = {
  readonly origin: string
  /** name → value; change it to try what a thief would */
  readonly cookies: Map<string, string>
  /** Follows no redirect. Every page is read strictly: what is not well-formed, or not allowed by its policy, fails the test. */
  get(path: string, headers?: Record<string, string>): Promise<PageAnswer>
  /** Sends a form as the page last read would: with its `_csrf`, unless the fields say otherwise. */
  post(path: string, fields?: Fields, headers?: Record<string, string>): Promise<PageAnswer>
  /** Follows redirects after a form, as a browser does. */
  submit(path: string, fields?: Fields): Promise<PageAnswer>
}
export type ConsoleClient = Client & { readonly admin: Admin }

/** What people and phones may call themselves. All of it must show as text. */
export const hostileTexts = [
  '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '\'"`<b>&amp;', 'Ines \u202egnp.exe', '😀 Zoë', '=cmd|\'/c calc\'!A1', 'x'.repeat(10_000),
]

/** Serves the whole application on a free port. @returns the origin */
export async function openDoors(t: ExecutionContext<any>, service: Service, port = 0): Promise<string> {
  const server = createServer(createApp(service))
  // A test that computes for seconds between two requests must not find its connection closed.
  server.keepAliveTimeout = 0
  await new Promise<void>(resolve => { server.listen(port, '127.0.0.1', resolve) })
  t.teardown(() => new Promise<void>(resolve => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  }))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Somebody who is signed in with that role, at a console of their own. */
export async function openConsole(t: ExecutionContext<any>, service: Service, role: Role = 'admin'): Promise<ConsoleClient> {
  const client = await visitor(t, service)
  const { admin, token } = await newSession(service, role)
  client.cookies.set(service.config.url.startsWith('https:') ? '__Host-latchkey' : 'latchkey', token)
  return { ...client, admin }
}

/** A session in force. @returns its token, the value of the cookie */
export async function newSession(service: Service, role: Role): Promise<{ admin: Admin, token: string }> {
  const now = service.now()
  const admin: Admin = { id: randomUUID(), name: `Ada the ${role}`, email: `${role}-${randomUUID().slice(0, 8)}@example.org`, role, createdAt: now, endedAt: null }
  await adminStore(service.db).add(admin)
  const token = randomBytes(32).toString('base64url')
  await sessionStore(service.db).add({
    id: randomUUID(), adminId: admin.id, method: 'password', createdAt: now, lastSeenAt: now, expiresAt: new Date(now.getTime() + sessionMs), endedAt: null,
    address: '127.0.0.1', userAgent: 'test',
  }, tokenSha256(token))
  return { admin, token }
}

/** Somebody who is not signed in. */
export async function visitor(t: ExecutionContext<any>, service: Service, origin?: string): Promise<Client> {
  const to = origin ?? await openDoors(t, service)
  const cookies = new Map<string, string>()
  let csrf = ''
  const send = async (path: string, init: RequestInit): Promise<PageAnswer> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(`${to}${path}`, { redirect: 'manual', ...init, headers: { ...cookie !== '' && { cookie }, ...init.headers } })
    for (const line of response.headers.getSetCookie()) keep(cookies, line)
    const answer = { status: response.status, text: await response.text(), headers: response.headers, location: response.headers.get('location') }
    if (answer.location === null && answer.headers.get('content-type')?.startsWith('text/html')) {
      t.deepEqual(faultsOfPage(answer.text, answer.headers), [], path)
      csrf = /name="_csrf" value="([\w-]+)"/.exec(answer.text)?.[1] ?? csrf
    }
    return answer
  }
  const client: Client = {
    origin: to, cookies,
    get: async (path, headers = {}) => await send(path, { headers }),
    async post(path, fields = {}, headers = {}) {
      const body = new URLSearchParams()
      for (const [name, value] of Object.entries({ ...csrf !== '' && { _csrf: csrf }, ...fields })) for (const one of [value].flat()) body.append(name, one)
      return await send(path, { method: 'POST', body, headers: { origin: service.config.url, ...headers } })
    },
    async submit(path, fields) {
      let answer = await client.post(path, fields)
      for (let hops = 0; answer.location !== null && answer.status >= 300 && hops < 5; hops++) answer = await client.get(answer.location)
      return answer
    },
  }
  return client
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair, ...attributes] = line.split(';').map(part => part.trim())
  const at = pair!.indexOf('=')
  const name = pair!.slice(0, at)
  if (attributes.some(attribute => attribute.toLowerCase() === 'max-age=0')) cookies.delete(name)
  else cookies.set(name, pair!.slice(at + 1))
}
