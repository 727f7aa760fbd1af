/** Looks through what was brought along, on a thread of its own: see `import-job.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { readInventory } from '../../devices/inventory.ts'
import { CaError } from '../../errors.ts'
import { sortExport } from '../../formats/exchange/inventory.ts'
import { readExport } from '../../formats/exchange/records.ts'
import { readInventoryFile } from '../../formats/inventory-file.ts'
import { claimedPhones } from '../../policy/import/exchange-people.ts'
import { examineRuleset, tryUserAgents } from '../../policy/import/examine-ruleset.ts'
import { reportOnExchange } from '../../policy/import/exchange-report.ts'
import type { ImportAnswer, ImportJob } from './import-job.ts'

function answerTo(job: ImportJob): ImportAnswer {
  try {
    if (job.kind === 'exchange') return { report: reportOnExchange(job.catalogue, sortExport(job.files.flatMap(readExport)), job.now) }
    if (job.kind === 'inventory') return { inventory: readInventory(job.catalogue, readInventoryFile(job.file)) }
    if (job.kind === 'claims') return { claimed: claimedPhones(job.catalogue, sortExport(job.files.flatMap(readExport)).devices) }
    return { report: examineRuleset(job.catalogue, job.input, job.now).report, simulated: job.userAgents.map(tryUserAgents(job.input)) }
  } catch (error) {
    if (error instanceof CaError) return { code: error.code, message: error.message }
    throw error
  }
}

parentPort!.postMessage(answerTo(workerData as ImportJob))
