/** What an agent does now and then beside following: receipts, canaries, and the renewal of its own certificate. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Agent } from './agent.ts'
import { CanaryCage, tryCanaries, type CanaryResult } from './canary.ts'
import { renewAgent } from './enroll.ts'
import { messageOf, type Problems } from './problems.ts'
import { Receipts } from './receipts.ts'
import type { Requests } from './requests.ts'
import type { AgentFolder } from './settings.ts'
import type { Target } from './target.ts'

export type ChoreDeps = {
  readonly folder: AgentFolder
  readonly agent: Agent
  readonly target: Target
  readonly requests: Requests
  readonly problems: Problems
  readonly frontEnd: string
  /** host:port at which the front end answers phones; undefined where it cannot be asked. */
  readonly probe: string | undefined
  readonly signal: AbortSignal
}

const receiptMs = 30_000
// Many revocations at once are one receipt.
const coalesceMs = 100
const canaryMs = 30_000
// Soon after the start: the revoked one has to come down the feed first.
const firstCanaryMs = 1_000
const renewalMs = 3_600_000
const renewBeforeMs = 30 * 86_400_000

/** @property soon  sends a receipt without waiting for the next */
export type Chores = { readonly done: Promise<unknown>, inForce(change: number): void, soon(): void }

export function startChores(deps: ChoreDeps): Chores {
  const { agent, target, requests, problems, signal } = deps
  let canary: CanaryResult | undefined
  const receipts = new Receipts({ requests, agent, target, problems, canary: () => canary })
  const send = async (): Promise<void> => { await receipts.send().catch(() => {}) } // the feed tells that the service is away
  let coming: Promise<void> | undefined
  let again = false
  // The first at once, for somebody waits for it; those that come within a moment after it together.
  const soon = (): void => {
    again = true
    coming ??= (async () => {
      while (again && !signal.aborted) {
        again = false
        await send()
        await wait(coalesceMs, undefined, { signal }).catch(() => {})
      }
    })().finally(() => { coming = undefined })
  }
  const cage = new CanaryCage(deps.folder.path, requests, deps.frontEnd)
  const prove = async (): Promise<number> => {
    const before = canary
    canary = await tryOut(deps, cage)
    if (canary?.goodPassed !== before?.goodPassed || canary?.revokedRefused !== before?.revokedRefused) soon()
    return canary === undefined ? firstCanaryMs : canaryMs
  }
  return {
    done: Promise.all([
      repeat(async () => { await receipts.lookAround(); await send(); return receiptMs }, signal),
      deps.probe === undefined ? undefined : repeat(prove, signal),
      repeat(async () => { await renew(deps); return renewalMs }, signal),
    ]).then(async () => { await coming }),
    soon,
    inForce: change => {
      receipts.inForce(change)
      soon()
    },
  }
}

/** @param work  answers after how many milliseconds it is to be done again */
export async function repeat(work: () => Promise<number>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await wait(await work(), undefined, { signal }).catch(() => {})
}

async function tryOut({ agent, target, problems, requests, probe }: ChoreDeps, cage: CanaryCage): Promise<CanaryResult | undefined> {
  try {
    const canaries = await cage.current(requests.serviceNow())
    // Before the front end has been told of it, that it passes proves nothing.
    if (!agent.refused.has(canaries.revokedSerialNumber) || !agent.isEnforcing) return undefined
    if (target.knowsListsOnly === true && !agent.isUpToDate) return undefined
    const result = await tryCanaries(probe!, canaries, requests.serviceNow(), target.proof)
    if (result.goodPassed && result.revokedRefused) problems.clear('canary')
    else problems.set('canary', result.detail)
    return result
  } catch (error) {
    problems.set('canary', messageOf(error))
    return undefined
  }
}

async function renew({ folder, requests, problems, frontEnd }: ChoreDeps): Promise<void> {
  try {
    if (folder.readIdentity().certificate.notAfter.getTime() - requests.serviceNow().getTime() > renewBeforeMs) return
    await renewAgent(requests, folder, frontEnd)
    requests.use(folder.readIdentity())
    problems.clear('renewal')
  } catch (error) {
    problems.set('renewal', messageOf(error))
  }
}
