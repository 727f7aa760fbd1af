import { agentAuthorities } from '../../certificates/agent-authorities.ts'
import { activeAuthority } from '../../certificates/authority.ts'
import { toPem } from '../../formats/pem.ts'
import type { Certificate } from '../../formats/x509.ts'
import type { Service } from '../../http/service.ts'
import type { FrontEnd } from '../../store/front-ends.ts'

/** What an agent believes its lists by, and what it does when they grow old. */
export type Trust = {
  frontEnd: { name: string, kind: string }
  policy: { maxAgeSeconds: number, whenStale: 'refuse' | 'alarm' }
  trust: { root: string, issuing: { name: string, certificate: string, partitions: number }[] }
  /** Where agents are taken by mutual TLS, and the CAs that the certificate there may be of. */
  door: { url: string | null, authorities: string[] }
}

export function trustOf(service: Service, { name, kind, maxAgeSeconds, whenStale }: FrontEnd): Trust {
  const authorities = service.authorities()
  const root = activeAuthority(authorities, 'root')
  const now = service.now()
  const issuing = authorities.all.filter(({ role, certificate, parentId }) => role === 'issuing' && parentId === root.id && now <= certificate.notAfter)
  return {
    frontEnd: { name, kind }, policy: { maxAgeSeconds, whenStale },
    trust: { root: pemOf(root.certificate), issuing: issuing.map(({ name: called, certificate, partitions }) => ({ name: called, certificate: pemOf(certificate), partitions })) },
    door: { url: service.config.agentUrl ?? null, authorities: agentAuthorities(authorities, now).map(({ certificate }) => pemOf(certificate)) },
  }
}

export const pemOf = (certificate: Certificate): string => toPem('CERTIFICATE', certificate.raw)
