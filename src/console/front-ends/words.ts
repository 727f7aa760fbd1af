/** Front ends in words: what they are, how they know a phone, and how they stand. */
import type { Standing } from '../../http/enforcement.ts'
import type { FrontEndKind } from '../../protocols/check/kinds.ts'
import type { GateAction } from '../../store/activesync.ts'
import type { Markup } from '../html.ts'
import { state, type Tone } from '../words.ts'

/** By what it tells Latchkey whose certificate it was shown. */
export const kindWords: Readonly<Record<FrontEndKind, { name: string, hint: string }>> = {
  nginx: { name: 'nginx', hint: 'sends the certificate as X-SSL-Client-Escaped-Cert' },
  haproxy: { name: 'HAProxy', hint: 'sends the certificate as X-SSL-Client-Cert, in base64' },
  apache: { name: 'Apache', hint: 'sends the certificate as X-SSL-Client-Cert, in PEM with spaces' },
  caddy: { name: 'Caddy', hint: 'sends the certificate as X-SSL-Client-Cert, in base64' },
  envoy: { name: 'Envoy', hint: 'sends X-Forwarded-Client-Cert' },
  traefik: { name: 'Traefik', hint: 'sends X-Forwarded-Tls-Client-Cert' },
  rfc9440: { name: 'Another, as RFC 9440 says', hint: 'sends Client-Cert' },
  serial: { name: 'Another that knows only serial numbers', hint: 'sends X-SSL-Client-Serial; tied to one authority, for a number alone is nobody’s' },
  stunnel: { name: 'stunnel', hint: 'sees no requests and asks nothing: its agent brings it the revocation lists' },
}

export const kindName = (kind: string): string => Object.hasOwn(kindWords, kind) ? kindWords[kind as FrontEndKind].name : kind

const standingStates: Readonly<Record<Standing, [word: string, tone: Tone]>> = {
  'in-force': ['enforces all', 'good'], behind: ['behind', 'stop'], silent: ['not heard', 'stop'], stale: ['out of date', 'stop'], 'canary-failed': ['failed its trial', 'stop'],
}
export const standingState = (standing: Standing): Markup => state(...standingStates[standing])

export const standingWords: Readonly<Record<Standing, string>> = {
  'in-force': 'enforces every revocation.',
  behind: 'does not enforce the newest revocation yet: a revoked phone may still get in there.',
  silent: 'is not heard any more: what is in force there is what was in force then.',
  stale: 'has heard nothing from here for too long, and may not be relied on.',
  'canary-failed': 'was tried with a revoked and a good certificate, and did not do as it should.',
}

export const gateWords: Readonly<Record<GateAction, { name: string, hint: string }>> = {
  observe: { name: 'Note them', hint: 'The request passes; the phone’s page and Today say what was odd.' },
  quarantine: { name: 'Set the phone aside', hint: 'Until somebody has decided about it.' },
  refuse: { name: 'Refuse the request', hint: 'With 403, each time.' },
}
