import { createHash } from 'node:crypto'
import { z } from 'zod'
import { contradictionsOf, inventoryFindings, inventoryRemarkCodes, type InventoryEntry, type ReadInventory } from '../../../devices/inventory.ts'
import { CaError } from '../../../errors.ts'
import { change } from '../../../http/change.ts'
import { holdInventory, inventoryStanding, keepStanding, type InventoryStanding } from '../../../http/inventory-standing.ts'
import type { Service } from '../../../http/service.ts'
import { reviewWaiting } from '../../../http/waiting.ts'
import type { Queryable } from '../../../store/db.ts'
import { inventoryStore, type Contradicted, type InventoryRecord } from '../../../store/inventory.ts'
import { settingStore } from '../../../store/settings.ts'
import { at, atOrNull, id, instant, keyIn, nothing, page, pageInput, pageOf, text } from '../fields.ts'
import { runImport } from '../import-job.ts'
import { operation } from '../operation.ts'

const count = z.int()
const most = 500
const mostEntries = 200_000

const entryFields = {
  serialNumber: z.string().nullable(), udid: z.string().nullable(),
  /** What its model may be, for a name can stand for several; none where the inventory says no model. */
  productTypes: z.array(z.string()), model: z.string().nullable(), ownerEmail: z.string().nullable(), assetTag: z.string().nullable(),
}
export const inventoryEntryView = z.strictObject(entryFields)
const recordView = z.strictObject({ id: count, ...entryFields, importedAt: instant, importedBy: z.string() })
export const viewOfEntry = ({ serialNumber, udid, productTypes, model, ownerEmail, assetTag }: InventoryEntry): z.input<typeof inventoryEntryView> => ({ serialNumber, udid, productTypes: [...productTypes], model, ownerEmail, assetTag })
const viewOfRecord = (record: InventoryRecord): z.input<typeof recordView> => ({ id: record.id, ...viewOfEntry(record), importedAt: at(record.importedAt), importedBy: record.importedBy })

/** A phone on record of which the inventory tells another story. */
const contradictedView = z.strictObject({
  deviceId: id, personId: id, personName: z.string(), personEmail: z.string(), serialNumber: z.string(), productType: z.string(),
  findings: z.array(z.enum(inventoryFindings)), listed: z.array(inventoryEntryView),
})
const viewOfContradicted = ({ entries, ...device }: Contradicted): z.input<typeof contradictedView> => {
  const { udid: _, ...shown } = device
  return { ...shown, findings: contradictionsOf(entries, device, device.personEmail), listed: entries.map(viewOfEntry) }
}

const remarks = z.strictObject({ count, first: z.array(z.strictObject({ line: count, code: z.enum(inventoryRemarkCodes), text: z.string() })) })
const remarksOf = (all: ReadInventory['mistakes']): z.input<typeof remarks> => ({ count: all.length, first: all.slice(0, most).map(each => ({ ...each })) })

const standing = {
  total: count,
  /** Whether an approval or allow rule needs the inventory to agree. */
  required: z.boolean(),
  /** Phones on record that the inventory contradicts, and those with a good certificate that it does not have. */
  contradicted: z.strictObject({ count, first: z.array(contradictedView) }), missing: count,
  /** Those of which it says another model or number: another owner alone is no reason to refuse. */
  disagreeing: count,
  /** When that was looked at: of a large inventory now and then. */
  countedAt: instant,
}

export async function requiresInventory(db: Queryable): Promise<boolean> {
  return await settingStore(db).get('require-inventory') ?? false
}

async function viewOfStanding(db: Queryable, { countedAt, missing, disagreeing, contradicted }: InventoryStanding): Promise<z.input<z.ZodObject<typeof standing>>> {
  return {
    total: (await inventoryStore(db).totals()).total, required: await requiresInventory(db), missing, disagreeing,
    contradicted: { count: contradicted.count, first: contradicted.first.map(viewOfContradicted) }, countedAt: at(countedAt),
  }
}

export const inventoryShow = operation({
  id: 'inventoryShow', method: 'get', path: '/inventory/standing', role: 'auditor',
  summary: 'How many devices the inventory has, whether policy demands it, and which phones on record it contradicts.',
  input: nothing,
  output: z.strictObject({ ...standing, importedAt: instant.nullable() }),
  async run(service) {
    return { ...await viewOfStanding(service.db, await inventoryStanding(service.db, service.now())), importedAt: atOrNull((await inventoryStore(service.db).totals()).importedAt) }
  },
})

export const inventoryList = operation({
  id: 'inventoryList', method: 'get', path: '/inventory', role: 'auditor',
  summary: 'The devices of the inventory, in the order in which they came in.',
  input: z.strictObject({ ...pageInput, /** A serial number, UDID, owner’s address or asset tag, whole. */ search: text(254).optional() }),
  output: pageOf(recordView),
  async run(service, _actor, { limit, cursor, search }) {
    const after = keyIn(cursor, key => /^\d{1,15}$/.test(key) ? Number(key) : undefined) ?? 0
    return page(await inventoryStore(service.db).list({ search, after, limit: limit + 1 }), limit, record => String(record.id), viewOfRecord)
  },
})

export const importInventory = operation({
  id: 'importInventory', method: 'post', path: '/import/inventory', role: 'admin', maxBodyBytes: 16 * 1024 * 1024,
  summary: 'Read an inventory of devices, line by line, and say what it changes; with `apply` it is put in force, all of it or nothing.',
  input: z.strictObject({
    /** CSV with a line of column names, or JSON. */
    file: z.string().min(1).max(12 * 1024 * 1024),
    /** Whether it is the whole inventory from now on, or is added to what there is. */
    mode: z.enum(['replace', 'merge']).default('replace'),
    apply: z.boolean().default(false),
  }),
  output: z.strictObject({
    read: count, mistakes: remarks, passedOver: remarks,
    added: count, changed: count, removed: count, unchanged: count,
    /** As it would be, or is, with this inventory. */
    ...standing,
    applied: z.boolean(),
  }),
  async run(service, actor, { file, mode, apply }) {
    const { inventory: { entries, mistakes, passedOver } } = await runImport({ kind: 'inventory', catalogue: service.catalogue(), file })
    if (entries.length === 0 && mistakes.length === 0) throw new CaError('malformed-inventory', 'no line of it is a device that Latchkey knows the model of')
    const goes = apply && mistakes.length === 0
    const answer = await tried(service, actor, goes, async (tx, record, now) => {
      const counts = await put(tx, mistakes.length > 0 ? [] : entries, mistakes.length > 0 ? 'merge' : mode, actor.name, now)
      await record('inventory.import', 'inventory', { mode, ...counts, passedOver: passedOver.length, sha256: createHash('sha256').update(file).digest('hex') })
      const held = await holdInventory(tx, now)
      await keepStanding(tx, held)
      return { ...counts, ...await viewOfStanding(tx, held) }
    })
    if (goes) await reviewWaiting(service)
    return { read: entries.length, mistakes: remarksOf(mistakes), passedOver: remarksOf(passedOver), ...answer, applied: goes }
  },
})

/** Does it and, unless it is to stay, takes it back: what is said of it beforehand is then what will be. */
async function tried<T>(service: Service, actor: Parameters<typeof change>[1], stays: boolean, work: Parameters<typeof change<T>>[2]): Promise<T> {
  try {
    return await change(service, actor, async (...args) => {
      const answer = await work(...args)
      if (stays) return answer
      throw new TakenBack(answer)
    })
  } catch (error) {
    if (error instanceof TakenBack) return error.answer as T
    throw error
  }
}

class TakenBack extends Error {
  readonly answer: unknown
  constructor(answer: unknown) {
    super('taken back')
    this.answer = answer
  }
}

const numberOf = ({ serialNumber, udid }: InventoryEntry): string => serialNumber ?? `udid ${udid}`
const sameEntry = (a: InventoryEntry, b: InventoryEntry): boolean => JSON.stringify(viewOfEntry(a)) === JSON.stringify(viewOfEntry(b))

/** @throws {CaError} invalid-argument when it would be too many */
async function put(tx: Queryable, entries: readonly InventoryEntry[], mode: 'replace' | 'merge', by: string, now: Date): Promise<{ added: number, changed: number, removed: number, unchanged: number }> {
  const store = inventoryStore(tx)
  await store.lock()
  const before = await store.all()
  const byNumber = new Map(before.map(record => [numberOf(record), record]))
  const isKept = (entry: InventoryEntry): boolean => { const known = byNumber.get(numberOf(entry)); return known !== undefined && sameEntry(known, entry) }
  const fresh = entries.filter(entry => !isKept(entry))
  const kept = new Set(entries.filter(isKept).map(numberOf))
  const numbers = { serial: new Set(entries.map(entry => entry.serialNumber)), udid: new Set(entries.map(entry => entry.udid)) }
  const named = (record: InventoryRecord): boolean => (record.serialNumber !== null && numbers.serial.has(record.serialNumber)) || (record.udid !== null && numbers.udid.has(record.udid))
  const gone = before.filter(record => !kept.has(numberOf(record)) && (mode === 'replace' || named(record)))
  if (before.length - gone.length + fresh.length > mostEntries) throw new CaError('invalid-argument', `an inventory has at most ${mostEntries} devices`)
  await store.remove(gone.map(record => record.id))
  await store.add(fresh, by, now)
  const changed = fresh.filter(entry => byNumber.has(numberOf(entry))).length
  return { added: fresh.length - changed, changed, removed: gone.length - changed, unchanged: kept.size }
}

export const inventoryRemove = operation({
  id: 'inventoryRemove', method: 'post', path: '/inventory/remove', role: 'admin',
  summary: 'Take devices out of the inventory, by serial number or UDID; or all of them.',
  input: z.strictObject({ numbers: z.array(text(64)).min(1).max(1000).optional(), all: z.boolean().default(false) })
    .refine(({ numbers, all }) => all === (numbers === undefined), 'name some numbers, or say that it is all of them'),
  output: z.strictObject({ removed: count }),
  async run(service, actor, { numbers }) {
    return await change(service, actor, async (tx, record, now) => {
      const store = inventoryStore(tx)
      await store.lock()
      const wanted = numbers === undefined ? undefined : new Set(numbers.map(number => number.toUpperCase()))
      const gone = (await store.all()).filter(({ serialNumber, udid }) => wanted === undefined || wanted.has(serialNumber ?? '') || wanted.has(udid ?? ''))
      if (gone.length > 0) {
        await store.remove(gone.map(each => each.id))
        await keepStanding(tx, await holdInventory(tx, now))
        await record('inventory.remove', 'inventory', { removed: gone.length, ...wanted !== undefined && { numbers: [...wanted].slice(0, 20) } })
      }
      return { removed: gone.length }
    })
  },
})

export const inventoryRequire = operation({
  id: 'inventoryRequire', method: 'post', path: '/inventory/require', role: 'admin',
  summary: 'Say whether an approval or allow rule needs the inventory to agree. It counts from the next decision on; certificates stay as they are until they are renewed.',
  input: z.strictObject({ required: z.boolean() }),
  output: z.strictObject({ required: z.boolean(), changed: z.boolean() }),
  async run(service, actor, { required }) {
    const changed = await change(service, actor, async (tx, record) => {
      if (await requiresInventory(tx) === required) return false
      await settingStore(tx).put('require-inventory', required)
      await record('inventory.require', 'inventory', { required })
      return true
    })
    if (changed) await reviewWaiting(service)
    return { required, changed }
  },
})
