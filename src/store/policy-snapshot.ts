/** What a decision rests on. What is the same for all phones is read once for each version of it (migration 0064). */
import { CaError } from '../errors.ts'
import type { PolicySnapshot } from '../policy/decision.ts'
import type { Queryable } from './db.ts'
import { policyStore } from './policy.ts'
import { settingStore } from './settings.ts'

/** So long a withdrawn approval still explains a refusal. */
const explainsForDays = 90

/**
 * What `decide` rests on, as it stands in this transaction.
 *
 * @param about.deviceId  whose exemptions matter; null for a device that is not on record
 */
export async function loadPolicy(db: Queryable, about: { deviceId: string | null, now: Date, trustTestDevices: boolean }): Promise<PolicySnapshot> {
  const { deviceId, now, trustTestDevices } = about
  const [common, exemptions] = await Promise.all([
    commonPolicy(db, new Date(now.getTime() - explainsForDays * 86_400_000)),
    deviceId === null ? [] : policyStore(db).exemptions(now, deviceId),
  ])
  return { ...common, exemptions, trustTestDevices }
}

type CommonPolicy = Pick<PolicySnapshot, 'approvals' | 'rules' | 'requireInventory'>

/** Several, because a transaction that changes policy has one of its own until it commits. */
const mostRemembered = 8
const mostTries = 5
const remembered = new Map<string, CommonPolicy>()

const versionIn = async (db: Queryable): Promise<string> => (await db.query<{ version: string }>('select version from policy_version'))[0]!.version

async function commonPolicy(db: Queryable, explainableSince: Date): Promise<CommonPolicy> {
  const version = await versionIn(db)
  const known = remembered.get(version) ?? await readAnew(db, version, explainableSince)
  return { ...known, approvals: known.approvals.filter(({ endedAt }) => endedAt === null || endedAt > explainableSince) }
}

/** Again when somebody has changed it meanwhile: half of before and half of after would be nobody's policy. */
async function readAnew(db: Queryable, firstVersion: string, explainableSince: Date): Promise<CommonPolicy> {
  for (let version = firstVersion, tries = 0; tries < mostTries; tries++) {
    const [approvals, rules, requireInventory] = await Promise.all([
      policyStore(db).explaining(explainableSince), policyStore(db).rules(), settingStore(db).get('require-inventory'),
    ])
    // Not before all of them are answered: they may travel on different connections.
    const versionThen = await versionIn(db)
    if (versionThen === version) return remember(version, { approvals, rules, requireInventory: requireInventory ?? false })
    version = versionThen
  }
  throw new CaError('conflict', 'policy is being changed: ask again')
}

function remember(version: string, policy: CommonPolicy): CommonPolicy {
  for (const [oldest] of remembered) if (remembered.size >= mostRemembered) remembered.delete(oldest)
  remembered.set(version, policy)
  return policy
}
