import type { Authority } from '../../certificates/authority.ts'
import type { Service } from '../../http/service.ts'
import { crlFileStore, type CrlHead } from '../../store/crls.ts'

/** `problems` keep instances from answering; `warnings` are for whoever looks after them. */
export type Findings = { problems: string[], warnings: string[] }

const warnMs = 30 * 86_400_000

/**
 * What is the matter with the lists that front ends load. Those of authorities that were replaced are warnings: without
 * an instance that is ready, nobody at all would be let in.
 */
export async function findingsOnLists(service: Service): Promise<Findings> {
  const now = service.now()
  const watched = service.authorities().all.filter(({ role, active, certificate }) => (role === 'root' || role === 'issuing') && (active || now <= certificate.notAfter))
  const heads = await crlFileStore(service.db).bundleHeads({ complete: idsOf(watched, 'root'), partitions: idsOf(watched, 'issuing') })
  const findings: Findings = { problems: [], warnings: [] }
  for (const authority of watched) {
    const found = findingOn(authority, heads.filter(({ authorityId }) => authorityId === authority.id), now)
    if (found !== undefined) findings[found.isProblem ? 'problems' : 'warnings'].push(found.text)
  }
  return findings
}

const idsOf = (authorities: Authority[], role: Authority['role']): number[] =>
  authorities.filter(authority => authority.role === role).map(({ id }) => id)

function findingOn({ name, role, active }: Authority, lists: CrlHead[], now: Date): { isProblem: boolean, text: string } | undefined {
  if (lists.length === 0) return { isProblem: active, text: `no revocation list of ${name} is published yet` }
  const end = new Date(Math.min(...lists.map(({ nextUpdate }) => nextUpdate.getTime())))
  if (end < now) return { isProblem: active, text: `a revocation list of ${name} has ended: front ends refuse ${active ? 'everybody' : 'the phones under it'}` }
  if (role !== 'root' || end.getTime() - now.getTime() > warnMs) return undefined
  return { isProblem: false, text: `the list of ${name} ends on ${end.toISOString().slice(0, 10)}: sign the next one (latchkey authority root-crl --root ${name})` }
}
