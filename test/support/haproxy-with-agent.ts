/** Debian's HAProxy as printed, a feed for its agent, and phones that ask it. */
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { HaproxyTarget } from '../../src/agent/targets/haproxy.ts'
import { FeedServer } from './feed-server.ts'
import { prepareHaproxy } from './haproxy.ts'
import { peer } from './peers.ts'
import { enrolledFolder, follow } from './running-agent.ts'
import { get, type Identity, type TlsOptions } from './tls-client.ts'

export const now = (): Date => new Date()

/** @returns undefined where there is no HAProxy */
export async function haproxyWithAgent(t: ExecutionContext<any>, edit?: (printed: string) => string, partitions = 2) {
  const program = peer(t, 'haproxy')
  if (program === undefined) return undefined
  const server = await FeedServer.start(t, { partitions })
  const haproxy = await prepareHaproxy(t, program, edit)
  const folder = await enrolledFolder(t, server)
  const target = new HaproxyTarget(haproxy.settings, now)
  const run = (): ReturnType<typeof follow> => follow(t, folder, new HaproxyTarget(haproxy.settings, now))
  return { server, haproxy, folder, target, run, phone: await server.issue('ada'), other: await server.issue('bob') }
}

/** What a phone gets; a handshake that fails is an answer as well. */
export async function answer(port: number, identity: Identity, options: TlsOptions = {}): Promise<number | string> {
  try {
    return (await get(port, { identity, ...options })).status
  } catch (error) {
    return (error as { code?: string }).code ?? 'failed'
  }
}

export const listsWritten = (folder: string) => (): boolean => {
  try { return readFileSync(join(folder, 'lists.pem')).length > 0 } catch { return false }
}

export type Ping = { readonly started: Promise<void>, readonly ended: Promise<'complete' | 'cut off'>, readonly state: { over: boolean } }

/** A request that the server behind answers for as long as it may. */
export function openPing(t: ExecutionContext<any>, port: number, { pem, privateKeyPem }: Identity): Ping {
  const state = { over: false }
  const { promise: started, resolve: begun } = Promise.withResolvers<void>()
  const ended = new Promise<'complete' | 'cut off'>(resolve => {
    const sent = request({ host: '127.0.0.1', port, path: '/ping', cert: pem, key: privateKeyPem, rejectUnauthorized: false, agent: false }, response => {
      response.on('data', () => { begun() })
      response.on('error', () => {})
      response.on('close', () => { state.over = true; resolve(response.complete ? 'complete' : 'cut off') })
    })
    t.teardown(() => { sent.destroy() })
    sent.on('error', () => {})
    sent.end()
  })
  return { started, ended, state }
}
