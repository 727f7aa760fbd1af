import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { CaError } from '../../errors.ts'
import type { Answers } from '../../http/answers.ts'
import type { Log } from '../../http/log.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { conventions, identityHeaders } from './conventions.ts'
import { asks } from './kinds.ts'

/** As the database has it; anything else, a NUL say, would not be a question but an error. */
export const isFrontEndName = (name: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(name)

/** @throws {CaError} unauthorized */
export async function authenticate(answers: Pick<Answers, 'frontEnd'>, name: string, authorization: string | undefined): Promise<FrontEnd> {
  return recognized(isFrontEndName(name) ? await answers.frontEnd(name) : undefined, authorization)
}

/**
 * The front end that asks, known by its secret. Digests are compared, in constant time: neither the secret's
 * length nor its first bytes show in how long a refusal takes.
 *
 * @param frontEnd  the one of the name that was given, where there is one
 * @throws {CaError} unauthorized, the same for an unknown name and for a wrong secret
 */
export function recognized(frontEnd: FrontEnd | undefined, authorization: string | undefined): FrontEnd {
  const secret = secretIn(authorization ?? '', frontEnd?.name ?? '')
  const given = hash('sha256', secret, 'buffer')
  const same = timingSafeEqual(given, frontEnd?.secretSha256 ?? Buffer.alloc(32))
  if (frontEnd === undefined || !same) throw new CaError('unauthorized', 'this front end is not known by that secret')
  return frontEnd
}

/** Bearer (RFC 6750), or Basic (RFC 7617) with its own name as the user: some can be given a secret only in the address that they ask. */
function secretIn(authorization: string, name: string): string {
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer
  const basic = /^Basic ([A-Za-z0-9+/]{1,1024}={0,2})$/i.exec(authorization)?.[1] ?? ''
  const given = Buffer.from(basic, 'base64').toString('latin1')
  return given.startsWith(`${name}:`) ? given.slice(name.length + 1) : ''
}

const quietMs = 60_000

/**
 * Says, at most once a minute for each front end, that headers of other conventions arrived. They are ignored, but a
 * front end that lets them through may let them through to its back end as well. Only their names are logged.
 */
export function foreignHeaderLog(log: Log, now: () => Date): (frontEnd: FrontEnd, request: IncomingMessage) => void {
  const lastSaid = new Map<string, number>()
  return (frontEnd, request) => {
    const header = asks(frontEnd.convention) ? conventions[frontEnd.convention].header : undefined
    const foreign = identityHeaders.filter(name => name !== header && request.headers[name] !== undefined)
    if (foreign.length === 0 || now().getTime() - (lastSaid.get(frontEnd.id) ?? -Infinity) < quietMs) return
    lastSaid.set(frontEnd.id, now().getTime())
    log('warn', 'check-headers-ignored', { frontEnd: frontEnd.name, headers: foreign.join(',') })
  }
}
