/** A service with its doors open on loopback, a test device CA that it trusts, and people who may be invited. */
import { createServer, type Server } from 'node:http'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import Koa from 'koa'
import { personRouter } from '../../src/console/person/router.ts'
import { createInvitation } from '../../src/devices/invitations.ts'
import { appleDeviceAnchor, testDeviceAnchor } from '../../src/devices/device-identity.ts'
import type { EnrollmentDeps } from '../../src/enrollment/deps.ts'
import { enrollmentDeps } from '../../src/http/enrollment-deps.ts'
import { problems } from '../../src/http/errors.ts'
import { enrollPhone, type EnrollOptions, type EnrollOutcome } from '../../src/phone/enroll.ts'
import { otaRouter } from '../../src/protocols/ota/router.ts'
import { scepRouter } from '../../src/protocols/scep/router.ts'
import { keptDeviceCa, phoneKeys } from './kept.ts'
import { temporaryFolder } from './temporary.ts'
import { testService, type Overrides, type TestService } from './service.ts'

export type World = {
  service: TestService
  deps: EnrollmentDeps
  url: string
  /** of the test device CA */
  deviceCaDir: string
  folder: string
  approve(pattern: string, until?: Date): Promise<string>
  /** @returns the invitation's link */
  invite(options?: { email?: string, name?: string, devices?: number, keyOrigin?: 'device' | 'delivered', template?: string }): Promise<{ id: string, link: string, token: string }>
  enroll(link: string, options?: Partial<EnrollOptions>): Promise<EnrollOutcome>
}

export async function openWorld(t: ExecutionContext<any>, overrides: Overrides = {}): Promise<World> {
  const folder = await temporaryFolder(t)
  const deviceCaDir = await keptDeviceCa(t)
  const server = await listening(t)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const testDeviceCa = join(deviceCaDir, 'ca.pem')
  const service = await testService(t, {
    anchors: [appleDeviceAnchor(), testDeviceAnchor(readFileSync(testDeviceCa, 'utf8'))],
    ...overrides, config: { url, pkiUrl: url, testDeviceCa, ...overrides.config },
  })
  const deps = enrollmentDeps(service)
  const app = new Koa()
  app.silent = true
  app.use(problems(service.log))
  for (const router of [personRouter(service, deps), otaRouter(deps), scepRouter(deps)]) app.use(router.routes())
  server.on('request', app.callback())
  return {
    service, deps, url, deviceCaDir, folder,
    approve: async (pattern, until) => await approve(service, pattern, until),
    invite: async options => await inviteAt(service, url, options),
    enroll: async (link, options) => await enrollPhone({
      link, product: 'iPhone14,5', build: '20A362', serial: 'F2LTESTTEST1', deviceCaDir, keys: phoneKeys, now: service.now, ...options,
    }),
  }
}

async function listening(t: ExecutionContext<any>): Promise<Server> {
  const server = createServer()
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return server
}

async function approve(service: TestService, pattern: string, until: Date | undefined): Promise<string> {
  const id = randomUUID()
  await service.db.query(`insert into approvals (id, pattern, least_evidence, reason, author, not_before, not_after)
    values ($1, $2, 'signed', 'a test', 'ada', $3, $4)`, [id, pattern, service.now(), until])
  return id
}

/** An invitation whose link leads to this origin. */
export async function inviteAt(service: TestService, url: string, options: Parameters<World['invite']>[0] = {}): Promise<{ id: string, link: string, token: string }> {
  const { email = 'ines@example.com', name = 'Ines Roth', devices = 1, keyOrigin = 'device', template = 'default' } = options
  const now = service.now()
  const [person] = await service.db.query(`insert into people (id, name, email, created_at) values ($1, $2, $3, $4)
    on conflict (lower(email)) do update set name = excluded.name returning id`, [randomUUID(), name, email, now])
  const { invitation, token, tokenSha256 } = createInvitation({
    personId: person!.id, template, keyOrigin, devicesMax: devices, expiresAt: new Date(now.getTime() + 7 * 86_400_000), createdBy: 'ada',
  }, now)
  await service.db.query(`insert into invitations (id, person_id, token_sha256, template, key_origin, devices_max, expires_at, created_at, created_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  [invitation.id, person!.id, tokenSha256, template, keyOrigin, devices, invitation.expiresAt, now, 'ada'])
  return { id: invitation.id, link: `${url}/i/${token}`, token }
}
