/**
 * Rulesets and exports are tried with fifty thousand User-Agents: seconds, in which nobody could ask whether a phone may in.
 * So it is done on another thread, one at a time, with an end to the time and the memory that it may take.
 */
import { Worker } from 'node:worker_threads'
import type { Catalogue } from '../../devices/catalogue.ts'
import type { ReadInventory } from '../../devices/inventory.ts'
import { CaError, type ErrorCode } from '../../errors.ts'
import type { RulesetInput } from '../../policy/import/examine-ruleset.ts'
import type { ClaimedPhone } from '../../policy/import/exchange-people.ts'
import type { ExchangeReport } from '../../policy/import/exchange-report.ts'
import type { RulesetReport } from '../../policy/import/ruleset-report.ts'
import type { Simulated } from '../../policy/import/simulate.ts'

export type RulesetJob = { readonly kind: 'ruleset', readonly catalogue: Catalogue, readonly now: Date, readonly input: RulesetInput, readonly userAgents: readonly string[] }
export type ExchangeJob = { readonly kind: 'exchange', readonly catalogue: Catalogue, readonly now: Date, readonly files: readonly string[] }
export type InventoryJob = { readonly kind: 'inventory', readonly catalogue: Catalogue, readonly file: string }
export type ClaimsJob = { readonly kind: 'claims', readonly catalogue: Catalogue, readonly files: readonly string[] }
export type ImportJob = RulesetJob | ExchangeJob | InventoryJob | ClaimsJob
export type RulesetAnswer = { readonly report: RulesetReport, readonly simulated: readonly Simulated[] }
export type ExchangeAnswer = { readonly report: ExchangeReport }
export type InventoryAnswer = { readonly inventory: ReadInventory }
export type ClaimsAnswer = { readonly claimed: readonly ClaimedPhone[] }
export type ImportAnswer = RulesetAnswer | ExchangeAnswer | InventoryAnswer | ClaimsAnswer | { readonly code: ErrorCode, readonly message: string }

const longestMs = 120_000
const mostWaiting = 4
let waiting = 0
let last: Promise<unknown> = Promise.resolve()

/** @throws {CaError} what reading throws; rate-limited when others wait already, body-too-large when it takes too much */
export async function runImport(job: RulesetJob): Promise<RulesetAnswer>
export async function runImport(job: ExchangeJob): Promise<ExchangeAnswer>
export async function runImport(job: InventoryJob): Promise<InventoryAnswer>
export async function runImport(job: ClaimsJob): Promise<ClaimsAnswer>
export async function runImport(job: ImportJob): Promise<ImportAnswer> {
  if (waiting >= mostWaiting) throw new CaError('rate-limited', 'others are having something looked through; try again in a minute')
  waiting++
  const turn = last.then(async () => await inWorker(job))
  last = turn.catch(() => {})
  try {
    const answer = await turn
    if ('code' in answer) throw new CaError(answer.code, answer.message)
    return answer
  } finally {
    waiting--
  }
}

async function inWorker(workerData: ImportJob): Promise<ImportAnswer> {
  const worker = new Worker(new URL('import-worker.ts', import.meta.url), { workerData, resourceLimits: { maxOldGenerationSizeMb: 512 } })
  const tooMuch = new CaError('body-too-large', 'this takes too long to be looked through here; latchkey import does it on any machine')
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<ImportAnswer>((resolve, reject) => {
      timer = setTimeout(() => { reject(tooMuch) }, longestMs)
      worker.once('message', resolve)
      worker.once('error', error => { reject((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuch : error) })
      worker.once('exit', () => { reject(tooMuch) })
    })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
