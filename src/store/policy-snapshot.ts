/** What a decision rests on. What is the same for all phones is read once for each version of it (migration 0064). */
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
const remembered = new Map<string, CommonPolicy>()

const versionIn = async (db: Queryable): Promise<string> => (await db.query<{ version: string }>('select version from policy_version'))[0]!.version

async function commonPolicy(db: Queryable, explainableSince: Date): Promise<CommonPolicy> {
  const version = await versionIn(db)
  const known = remembered.get(version) ?? await readCommonPolicy(db, version, explainableSince)
  return { ...known, approvals: known.approvals.filter(({ endedAt }) => endedAt === null || endedAt > explainableSince) }
}

async function readCommonPolicy(db: Queryable, version: string, explainableSince: Date): Promise<CommonPolicy> {
  const [approvals, rules, requireInventory, versionThen] = await Promise.all([
    policyStore(db).explaining(explainableSince), policyStore(db).rules(), settingStore(db).get('require-inventory'), versionIn(db),
  ])
  const found = { approvals, rules, requireInventory: requireInventory ?? false }
  // Somebody may have changed it since the first statement.
  if (versionThen === version) {
    for (const [oldest] of remembered) if (remembered.size >= mostRemembered) remembered.delete(oldest)
    remembered.set(version, found)
  }
  return found
}
