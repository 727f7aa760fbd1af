/** What the client asked the front end for, as far as the ActiveSync gate needs it. */
import type { IncomingMessage } from 'node:http'
import { parseQuery } from '../../formats/activesync/query.ts'
import { headerValues } from '../../http/header.ts'
import type { ActiveSyncRequest } from '../../policy/contradictions.ts'
import type { AskingKind } from './kinds.ts'

/**
 * Where a front end of each kind puts the address that was asked for; null where it asks us at the address itself, below
 * `/check/{frontEnd}`. The User-Agent comes under its own name. Any other header is ignored, as with certificates.
 */
const headerOf: Readonly<Record<AskingKind, string | null>> = {
  nginx: 'x-original-uri', haproxy: 'x-original-uri', apache: 'x-original-uri', rfc9440: 'x-original-uri', serial: 'x-original-uri',
  caddy: 'x-forwarded-uri', traefik: 'x-forwarded-uri', envoy: null,
}

const activeSyncPath = /^\/microsoft-server-activesync(?=[/?]|$)/i
/** Spellings of a path that a server may take for another one. */
const disguised = /^[^?]*(?:%|\/\/|\/\.|\\)/

/** @returns undefined for any other request, after one comparison; `unsaid` when the front end does not pass the address on */
export function activeSyncRequest(kind: AskingKind, frontEnd: string, request: IncomingMessage): ActiveSyncRequest | 'unsaid' | undefined {
  const header = headerOf[kind]
  const [uri, ...more] = header === null ? [request.url!.slice(`/check/${frontEnd}`.length)] : headerValues(request, header)
  if (uri === undefined) return 'unsaid'
  if (more.length > 0) return { userAgent: null, query: { error: 'two addresses' } }
  if (!activeSyncPath.test(uri) && !(disguised.test(uri) && activeSyncPath.test(plainPath(uri)))) return undefined
  const agents = headerValues(request, 'user-agent')
  const query = uri.includes('?') ? uri.slice(uri.indexOf('?') + 1) : ''
  return {
    userAgent: agents.length === 1 ? agents[0]! : null,
    // Clients ask for OPTIONS without one.
    query: agents.length > 1 ? { error: 'two User-Agents' } : query === '' ? null : parseQuery(query),
  }
}

/** The path as a lenient server reads it. */
function plainPath(uri: string): string {
  const [path = ''] = uri.split('?', 1)
  try {
    const decoded = decodeURIComponent(path).replaceAll('\\', '/').replaceAll(/\/{2,}/g, '/')
    return new URL(decoded, 'http://gate').pathname
  } catch {
    return path
  }
}
