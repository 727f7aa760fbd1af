/** Tells the service what is in force at the front end: soon after it changes, and now and then in any case. */
import { CaError } from '../errors.ts'
import type { Agent } from './agent.ts'
import type { CanaryResult } from './canary.ts'
import type { Problems } from './problems.ts'
import type { Requests } from './requests.ts'
import type { Target } from './target.ts'

export type ReceiptDeps = {
  readonly requests: Requests
  readonly agent: Agent
  readonly target: Target
  readonly problems: Problems
  readonly canary: () => CanaryResult | undefined
}

const maxDetail = 200
const maxProblems = 20
const maxLists = 512

export class Receipts {
  readonly #deps: ReceiptDeps
  #sequence: number
  #change = 0
  #appliedAt: Date
  #version: string | null = null

  /** Numbers go on from the time of the start, so that those of an agent that was restarted are newer. */
  constructor(deps: ReceiptDeps) {
    this.#deps = deps
    this.#appliedAt = deps.requests.serviceNow()
    this.#sequence = this.#appliedAt.getTime()
  }

  inForce(change: number): void {
    this.#change = change
    this.#appliedAt = this.#deps.requests.serviceNow()
  }

  /** What changes seldom is not asked for every receipt. */
  async lookAround(): Promise<void> {
    this.#version = await this.#deps.target.version().then(text => text.slice(0, maxDetail), () => this.#version)
  }

  /** @throws {CaError} server-unreachable */
  async send(): Promise<void> {
    const body = Buffer.from(JSON.stringify(this.#receipt()))
    const answer = await this.#deps.requests.send({ method: 'POST', path: '/feed/receipts', headers: { 'content-type': 'application/json' }, body })
    if (answer.status !== 204) throw new CaError('server-unreachable', `the receipt is answered ${answer.status}`)
  }

  #receipt(): object {
    const { agent, target, problems, requests, canary } = this.#deps
    const proof = canary()
    return {
      sequence: ++this.#sequence, target: target.name, targetVersion: this.#version, change: this.#change,
      lists: agent.refused.lists.slice(0, maxLists).map(({ authority, partition, crlNumber, sha256 }) => ({ authority, partition: partition ?? 0, crlNumber: Number(crlNumber), sha256 })),
      appliedAt: this.#appliedAt.toISOString(), fresh: agent.isEnforcing, refused: agent.refused.size, clockOffsetMs: Math.round(requests.clockOffsetMs),
      canary: proof === undefined ? null : { at: proof.at.toISOString(), revokedRefused: proof.revokedRefused, goodPassed: proof.goodPassed, detail: proof.detail.slice(0, maxDetail) },
      problems: problems.all.slice(0, maxProblems).map(({ code, detail }) => ({ code, detail: detail.slice(0, maxDetail) })),
    }
  }
}
