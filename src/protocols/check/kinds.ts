import { CaError } from '../../errors.ts'

/** How a front end passes on a client's certificate: each convention is one header in one format. */
export type HeaderConvention = 'nginx' | 'base64-der' | 'spaced-pem' | 'rfc9440' | 'traefik' | 'xfcc' | 'serial'
/** `none`: it sees no requests and asks nothing. Its agent brings it the lists. */
export type Convention = HeaderConvention | 'none'

/** What terminates TLS → its one convention. Closed: a front end gets exactly one, fixed when it is added. */
export const frontEndKinds = {
  nginx: 'nginx',
  haproxy: 'base64-der',
  apache: 'spaced-pem',
  caddy: 'base64-der',
  envoy: 'xfcc',
  traefik: 'traefik',
  rfc9440: 'rfc9440',
  /** A bare serial number names a certificate only together with its issuer, so the front end is added with one. */
  serial: 'serial',
  stunnel: 'none',
} as const satisfies Record<string, Convention>

export type FrontEndKind = keyof typeof frontEndKinds

/** Those that ask `/check`. */
export type AskingKind = { [Kind in FrontEndKind]: typeof frontEndKinds[Kind] extends 'none' ? never : Kind }[FrontEndKind]

/** Whether a front end of this convention asks `/check` at all. */
export const asks = (convention: string): convention is HeaderConvention => convention !== 'none'

export const isFrontEndKind = (text: string): text is FrontEndKind => Object.hasOwn(frontEndKinds, text)

/** @throws {CaError} invalid-argument for an unknown kind, or `serial` without an authority */
export function conventionFor(kind: string, authorityId: number | null): Convention {
  if (!isFrontEndKind(kind)) throw new CaError('invalid-argument', `kind must be one of ${Object.keys(frontEndKinds).join(', ')}`)
  const convention = frontEndKinds[kind]
  if (convention === 'serial' && authorityId === null) {
    throw new CaError('invalid-argument', 'a front end that passes on bare serial numbers needs the authority that issued them')
  }
  return convention
}
