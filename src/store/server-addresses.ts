/** `DATABASE_URL` may name several servers of one database, as PostgreSQL's own programs write it (PostgreSQL manual §34.1.1). */

const shape = /^(postgres(?:ql)?:\/\/)([^/?#]*)(.*)$/i
/** What is always so here; other values would promise what is not kept. */
const meant = ['read-write', 'primary']

/**
 * One address for each server: `postgres://user@a:5432,b:5433/db` names two. `target_session_attrs` may be there and is taken out.
 * @throws {Error} whose message repeats nothing of the address
 */
export function serverAddresses(text: string): string[] {
  const [, scheme, authority, rest] = shape.exec(text) ?? []
  if (scheme === undefined || authority === undefined || rest === undefined) throw new Error('must begin with postgres://')
  const at = authority.lastIndexOf('@') + 1
  const hosts = authority.slice(at).split(',')
  if (hosts.length > 1 && hosts.includes('')) throw new Error('names a server without a host')
  return hosts.map(host => ofOneServer(`${scheme}${authority.slice(0, at)}${host}${rest}`, hosts.length))
}

function ofOneServer(text: string, servers: number): string {
  if (!URL.canParse(text)) throw new Error('is not an address')
  const url = new URL(text)
  if (servers > 1 && ['host', 'port'].some(name => url.searchParams.has(name))) throw new Error('names its servers twice')
  const attributes = url.searchParams.get('target_session_attrs')
  if (attributes === null) return text
  if (!meant.includes(attributes)) throw new Error(`target_session_attrs must be ${meant.join(' or ')}`)
  url.searchParams.delete('target_session_attrs')
  return url.href
}
