import { CaError } from '../../errors.ts'
import type { JsonObject } from '../json.ts'
import type { Target } from '../target.ts'
import { ApacheTarget, apacheSettings } from './apache.ts'
import { HaproxyTarget, haproxySettings } from './haproxy.ts'
import { NginxTarget, nginxSettings } from './nginx.ts'
import { StunnelTarget, stunnelSettings } from './stunnel.ts'

/** The front ends that an agent can keep. */
export const targetKinds = ['haproxy', 'nginx', 'apache', 'stunnel'] as const

export type TargetPlaces = { readonly files: string, readonly run: string, readonly probe: string, readonly reload?: readonly string[] }

/** What `target.json` says at first. @throws {CaError} invalid-argument for a kind that needs no agent, or has none yet */
export function firstSettings(kind: string, { files, run, probe, reload }: TargetPlaces): JsonObject {
  switch (kind) {
    case 'haproxy': return { files, socket: `${run}/haproxy.sock`, probe, reload: reload ?? ['systemctl', 'reload', 'haproxy'] }
    case 'nginx': return { files, socket: `${run}/nginx.sock`, probe, reload: reload ?? ['systemctl', 'reload', 'nginx'] }
    case 'apache': return { files, run, probe, reload: reload ?? ['systemctl', 'reload', 'apache2'] }
    // Debian's unit knows no reload.
    case 'stunnel': return { files, pid: `${run}/stunnel.pid`, probe, reload: reload ?? ['systemctl', 'kill', '--signal=HUP', 'stunnel@latchkey'] }
    default: throw noAgent(kind)
  }
}

export function targetOfKind(kind: string, settings: JsonObject, now: () => Date): Target {
  switch (kind) {
    case 'haproxy': return new HaproxyTarget(haproxySettings(settings), now)
    case 'nginx': return new NginxTarget(nginxSettings(settings), now)
    case 'apache': return new ApacheTarget(apacheSettings(settings), now)
    case 'stunnel': return new StunnelTarget(stunnelSettings(settings), now)
    default: throw noAgent(kind)
  }
}

const noAgent = (kind: string): CaError => new CaError('invalid-argument', `there is no agent for ${kind}, only for ${targetKinds.join(', ')}`)
