/** The front ends that are measured. Each is a few lines: how it is started, and what it promises. */
import type { ExecutionContext } from 'ava'
import { enrollAgentProcess } from '../../support/agent-process.ts'
import { prepareApache } from '../../support/apache.ts'
import { prepareHaproxy } from '../../support/haproxy.ts'
import { prepareLuaNginx } from '../../support/lua-nginx.ts'
import { startNginx } from '../../support/nginx.ts'
import type { PreparedService } from '../../support/prepared-service.ts'

export type StartOptions = {
  readonly service: PreparedService
  /** Its name in Latchkey. */
  readonly frontEnd: string
  readonly streamLimitSeconds: number
  /** Takes resumed sessions, against the printed configuration where that does not. */
  readonly resuming: boolean
}

export type FrontEndKind = {
  readonly name: string
  readonly title: string
  readonly program: 'haproxy' | 'nginx' | 'apache2'
  /** What it is to Latchkey. */
  readonly kind: 'haproxy' | 'nginx' | 'apache'
  /** Whether every request is asked about; the others look at the lists in a handshake. */
  readonly perRequest: boolean
  /** Whether the configuration as it is printed takes resumed sessions; `never` where it would not be safe. */
  readonly resumes: 'as-printed' | 'when-edited' | 'never'
  /** What becomes of a request that is running when its phone is revoked. */
  readonly running: string
  /** It is ready when it lets a good phone in. */
  start(t: ExecutionContext, program: string, options: StartOptions): Promise<Running>
}

/** @property received  what has got to the server behind it */
export type Running = { readonly port: number, readonly received: readonly { readonly url: string }[] }

const limited = (printed: string, seconds: number): string => printed.replaceAll('900s', `${seconds}s`)

const haproxy: FrontEndKind = {
  name: 'haproxy', title: 'HAProxy, agent', program: 'haproxy', kind: 'haproxy', perRequest: true, resumes: 'when-edited', running: 'the agent cuts it off',
  async start(t, program, { service, frontEnd, streamLimitSeconds, resuming }) {
    const edit = (printed: string): string => resuming ? printed.replace('tune.ssl.cachesize 0', '').replace('no-tls-tickets', '') : printed
    const started = await prepareHaproxy(t, program, printed => limited(edit(printed), streamLimitSeconds))
    return await withAgent(t, started, service, frontEnd)
  },
}

const luaNginx = (perRequest: boolean): Omit<FrontEndKind, 'name' | 'title'> => ({
  program: 'nginx', kind: 'nginx', perRequest, resumes: perRequest ? 'when-edited' : 'never', running: 'it goes on until the stream limit',
  async start(t, program, { service, frontEnd, streamLimitSeconds, resuming }) {
    const edit = (printed: string): string => resuming ? printed.replace('ssl_session_cache off;', 'ssl_session_cache shared:bench:4m;').replace('ssl_session_tickets off;', '') : printed
    // Without the part that is asked on every request only the lists are left, and a reload for each of them.
    const asked = (printed: string): string => perRequest ? printed : printed.replace(/^ {4}access_by_lua_block \{$.*?^ {4}\}$/ms, '')
    const started = await prepareLuaNginx(t, program, printed => limited(asked(edit(printed)), streamLimitSeconds))
    return await withAgent(t, started, service, frontEnd)
  },
})

const apache: FrontEndKind = {
  name: 'apache', title: 'Apache, agent', program: 'apache2', kind: 'apache', perRequest: true, resumes: 'when-edited', running: 'a silent one goes on until the stream limit',
  async start(t, program, { service, frontEnd, streamLimitSeconds, resuming }) {
    const cache = 'LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so\nSSLSessionCache shmcb:bench(512000)'
    const edit = (printed: string): string => resuming ? printed.replace('SSLSessionTickets off', 'SSLSessionTickets on').replace(/^SSLSessionCache none$/m, cache) : printed
    const { settings, ...started } = await prepareApache(t, program, printed => edit(printed).replace('timeout=900', `timeout=${streamLimitSeconds}`))
    return await withAgent(t, { ...started, settings: { ...settings, socket: `${settings.run}/none` } }, service, frontEnd)
  },
}

const authRequest: FrontEndKind = {
  name: 'nginx-auth-request', title: 'nginx, auth_request', program: 'nginx', kind: 'nginx', perRequest: true, resumes: 'as-printed', running: 'it goes on until the stream limit',
  start: async (t, nginx, { service, frontEnd, streamLimitSeconds }) =>
    await startNginx(t, { nginx, latchkey: service.url, frontEnd, secret: service.secretOf(frontEnd), streamLimitSeconds }),
}

export const frontEndKindsMeasured: readonly FrontEndKind[] = [
  haproxy,
  { name: 'nginx-lua', title: 'nginx with Lua, agent', ...luaNginx(true) },
  apache,
  authRequest,
  { name: 'nginx-crl', title: 'nginx, lists and reload, agent', ...luaNginx(false) },
]

type Startable = { readonly port: number, readonly backend: Running, readonly settings: { files: string, socket: string, reload: readonly string[] }, start(): Promise<void> }

async function withAgent(t: ExecutionContext, { port, settings, start, backend: { received } }: Startable, service: PreparedService, frontEnd: string): Promise<Running> {
  const agent = await enrollAgentProcess(t, { url: service.url, frontEnd, secret: service.secretOf(frontEnd), settings, probe: `127.0.0.1:${port}` })
  agent.start()
  await agent.hasLists()
  await start()
  return { port, received }
}
