/** What the ActiveSync gate remembers, so that it asks the database once for a certificate and not once for a request. */
import { knowledgeOf } from '../../enrollment/decide-device.ts'
import type { Service } from '../../http/service.ts'
import type { CertificateHolder, Contradiction } from '../../policy/contradictions.ts'
import type { PolicySnapshot } from '../../policy/decision.ts'
import { activeSyncStore, type GateAction } from '../../store/activesync.ts'
import type { AnswerRecord } from '../../store/answer-records.ts'
import { loadPolicy } from '../../store/policy-snapshot.ts'

/**
 * @property accepted  as `finding claimed`; @property waits  set aside by the gate, and nobody has accepted it
 * @property reported  what was written down already; @property judged  by claim, for one policy
 */
export type Held = {
  readonly deviceId: string, readonly version: number, readonly loadedAt: number, readonly exemptions: PolicySnapshot['exemptions']
  readonly accepted: ReadonlySet<string>, readonly waits: boolean
  holder: CertificateHolder
  readonly reported: Set<string>, readonly judged: Map<string, { policy: PolicySnapshot, found: readonly Contradiction[] }>
}

export const keyOf = ({ finding, claimed }: Pick<Contradiction, 'finding' | 'claimed'>): string => `${finding} ${claimed}`
export const reportKey = (found: Contradiction, action: GateAction): string => `${action} ${keyOf(found)}`

const mostHolders = 20_000
/** People's names and inventories change; what is written by the gate itself shows in the version. */
const holderForMs = 600_000
const policyForMs = 60_000

export function holders(service: Service) {
  const known = new Map<string, Held>()
  let rules: { policy: PolicySnapshot, loadedAt: number, text: string } | undefined
  let loading: Promise<PolicySnapshot> | undefined

  const load = async (record: AnswerRecord, version: number): Promise<Held | undefined> => {
    const found = await activeSyncStore(service.db).holder(record)
    if (found === undefined) return undefined
    const { device, person } = found
    const now = service.now()
    const findings = await activeSyncStore(service.db).findings(device.id)
    const { exemptions } = await loadPolicy(service.db, { deviceId: device.id, now, trustTestDevices: service.config.testDeviceCa !== undefined })
    return {
      deviceId: device.id, version, loadedAt: now.getTime(), exemptions,
      accepted: new Set(findings.filter(({ accepted }) => accepted).map(keyOf)),
      waits: findings.some(({ accepted, action }) => !accepted && action === 'quarantine'),
      holder: { known: knowledgeOf(service, device, { id: found.invitationId ?? '', person }), email: person.email, userPrincipalName: person.userPrincipalName, deviceId: found.claimedId },
      reported: new Set(findings.filter(({ accepted }) => !accepted).map(finding => reportKey(finding, finding.action))), judged: new Map(),
    }
  }

  const loadRules = async (): Promise<PolicySnapshot> => {
    const now = service.now()
    const policy = await loadPolicy(service.db, { deviceId: null, now, trustTestDevices: service.config.testDeviceCa !== undefined })
    const text = JSON.stringify(policy)
    rules = { policy: rules?.text === text ? rules.policy : policy, loadedAt: now.getTime(), text }
    return rules.policy
  }

  return {
    /** @returns undefined for a certificate of no device */
    async of(record: AnswerRecord): Promise<Held | undefined> {
      const key = `${record.authorityId} ${record.serialNumber.toString('hex')}`
      const held = known.get(key)
      known.delete(key)
      const isFresh = held !== undefined && held.version === record.activeSyncVersion && service.now().getTime() - held.loadedAt < holderForMs
      const current = isFresh ? held : await load(record, record.activeSyncVersion)
      if (current === undefined) return undefined
      // The one that was asked for longest ago stands first.
      known.set(key, current)
      if (known.size > mostHolders) known.delete(known.keys().next().value!)
      return current
    },
    /** Approvals and rules, without anybody's exemptions. The same object while they are the same. */
    async policy(): Promise<PolicySnapshot> {
      if (rules !== undefined && service.now().getTime() - rules.loadedAt < policyForMs) return rules.policy
      // A thousand requests that come when it has aged read it once.
      return await (loading ??= loadRules().finally(() => { loading = undefined }))
    },
  }
}
