/** The inventory of an organization: which devices are its own, by number, and which models they are said to be. */
import { CaError } from '../errors.ts'
import { isFormula } from '../formats/csv.ts'
import type { InventoryRow } from '../formats/inventory-file.ts'
import { isPlainLine } from '../formats/plain-text.ts'
import type { Catalogue } from './catalogue.ts'
import { modelNames } from './model-names.ts'

/**
 * @property serialNumber, udid  in capital letters; one of them is there
 * @property productTypes  what its model may be: a name can stand for several; none where the inventory says no model
 * @property model  as it was written
 */
export type InventoryEntry = {
  readonly serialNumber: string | null, readonly udid: string | null, readonly productTypes: readonly string[], readonly model: string | null
  readonly ownerEmail: string | null, readonly assetTag: string | null
}

/** Stable. What is passed over does no harm: a device that is not listed is worth less, never more. */
export const inventoryRemarkCodes = [
  'too-many-cells', 'number-missing', 'serial-number-malformed', 'udid-malformed', 'serial-number-twice', 'udid-twice', 'email-malformed', 'text-malformed', 'model-unknown',
] as const
export type InventoryRemark = { readonly line: number, readonly code: typeof inventoryRemarkCodes[number], readonly text: string }

/** @property mistakes  nothing is imported while there is one; @property passedOver  what is left out */
export type ReadInventory = { readonly entries: readonly InventoryEntry[], readonly mistakes: readonly InventoryRemark[], readonly passedOver: readonly InventoryRemark[] }

/** As Apple Business Manager, Intune, Jamf Pro and others head them; letters and digits alone count. */
const columns = {
  serialNumber: ['serialnumber', 'serial', 'serialno', 'deviceserialnumber'],
  udid: ['udid', 'deviceudid', 'uniquedeviceid'],
  productType: ['producttype', 'modelidentifier', 'productname'],
  modelNumber: ['modelnumber'],
  model: ['devicemodel', 'model', 'modelname', 'marketingname'],
  ownerEmail: ['owneremail', 'email', 'emailaddress', 'useremail', 'primaryuseremailaddress', 'primaryuseremail', 'owner', 'userprincipalname', 'primaryuserupn'],
  assetTag: ['assettag', 'assetnumber', 'asset'],
} as const

/** @throws {CaError} malformed-inventory when no column names a device */
export function readInventory(catalogue: Catalogue, rows: readonly InventoryRow[]): ReadInventory {
  const known: readonly string[] = [...columns.serialNumber, ...columns.udid]
  if (!rows.some(({ cells }) => known.some(name => cells.has(name)))) {
    throw new CaError('malformed-inventory', `no column is a serial number or a UDID; there are: ${[...new Set(rows.slice(0, 100).flatMap(({ cells }) => [...cells.keys()]))].join(', ').slice(0, 300)}`)
  }
  const names = modelNames(catalogue)
  const seen = new Map<string, number>()
  const [entries, mistakes, passedOver]: [InventoryEntry[], InventoryRemark[], InventoryRemark[]] = [[], [], []]
  for (const row of rows) {
    const entry = entryIn(row, names)
    const found = [...mistakesOf(row, entry), ...repeated(row.line, entry, seen)]
    if (found.length > 0) mistakes.push(...found)
    else if (entry.model !== null && entry.productTypes.length === 0) passedOver.push({ line: row.line, code: 'model-unknown', text: `no model is called “${entry.model}”` })
    else entries.push(entry)
  }
  return { entries, mistakes, passedOver }
}

function entryIn({ cells }: InventoryRow, names: ReturnType<typeof modelNames>): InventoryEntry {
  const cell = (column: keyof typeof columns): string | null => {
    const name = columns[column].find(candidate => cells.has(candidate))
    return name === undefined ? null : cells.get(name)!
  }
  const [productType, modelNumber, model] = [cell('productType'), cell('modelNumber'), cell('model')]
  // What names a model most exactly comes first; a column that is not understood does not hide one that is.
  const written = [productType, modelNumber, model].filter(text => text !== null)
  const productTypes = written.map(text => names.find(text)).find(found => found.length > 0) ?? []
  return {
    serialNumber: cell('serialNumber')?.toUpperCase() ?? null, udid: udidIn(cell('udid')), productTypes, model: model ?? productType ?? modelNumber,
    ownerEmail: cell('ownerEmail')?.toLowerCase() ?? null, assetTag: cell('assetTag'),
  }
}

/** Programs leave out the hyphen of the short form. */
function udidIn(text: string | null): string | null {
  if (text === null) return null
  const [plain, short] = [text.toUpperCase(), /^([0-9A-F]{8})-?([0-9A-F]{16})$/i.exec(text)]
  return short === null ? plain : `${short[1]!}-${short[2]!}`.toUpperCase()
}

function mistakesOf({ line, surplus }: InventoryRow, { serialNumber, udid, ownerEmail, assetTag, model }: InventoryEntry): InventoryRemark[] {
  const say = (isWrong: boolean, code: InventoryRemark['code'], text: string): InventoryRemark[] => isWrong ? [{ line, code, text }] : []
  const texts = [assetTag, model].filter(text => text !== null)
  return [
    ...say(surplus, 'too-many-cells', 'there are more cells than columns'),
    ...say(serialNumber === null && udid === null, 'number-missing', 'there is neither a serial number nor a UDID'),
    ...say(serialNumber !== null && !/^[A-Z0-9]{5,20}$/.test(serialNumber), 'serial-number-malformed', 'a serial number is letters and digits; a spreadsheet may have made a number of it'),
    ...say(udid !== null && !/^([0-9A-F]{40}|[0-9A-F]{8}-[0-9A-F]{16})$/.test(udid), 'udid-malformed', 'a UDID is 40 hexadecimal digits, or 8 and 16 with a hyphen'),
    ...say(ownerEmail !== null && !/^[^\s@]{1,64}@[a-z0-9.-]{1,180}$/.test(ownerEmail), 'email-malformed', 'the owner is no e-mail address'),
    ...say(texts.some(text => text.length > 100 || !isPlainLine(text) || isFormula(text)), 'text-malformed', 'a text is longer than 100 characters, or a spreadsheet would run it'),
  ]
}

function repeated(line: number, { serialNumber, udid }: InventoryEntry, seen: Map<string, number>): InventoryRemark[] {
  return ([['serial-number-twice', serialNumber], ['udid-twice', udid]] as const).flatMap(([code, number]) => {
    const earlier = number === null ? undefined : seen.get(`${code} ${number}`)
    if (number !== null && earlier === undefined) seen.set(`${code} ${number}`, line)
    return earlier === undefined ? [] : [{ line, code, text: `the same stands on line ${earlier}` }]
  })
}

/** What an inventory says otherwise than a device. An owner who changed is worth a look; the rest is of two stories one. */
export const inventoryFindings = ['other-model', 'other-serial-number', 'other-udid', 'other-owner'] as const
export type InventoryFinding = typeof inventoryFindings[number]

export type Listed = { readonly serialNumber: string, readonly udid: string, readonly productType: string }

/** @param entries  those with the serial number or the UDID of the device */
export function contradictionsOf(entries: readonly InventoryEntry[], device: Listed, personEmail?: string): InventoryFinding[] {
  const [serialNumber, udid] = [device.serialNumber.toUpperCase(), device.udid.toUpperCase()]
  const says = (finding: InventoryFinding, isOther: (entry: InventoryEntry) => boolean): InventoryFinding[] => entries.some(isOther) ? [finding] : []
  return [
    ...says('other-model', ({ productTypes }) => productTypes.length > 0 && !productTypes.includes(device.productType)),
    ...says('other-serial-number', entry => entry.serialNumber !== null && entry.serialNumber !== serialNumber),
    ...says('other-udid', entry => entry.udid !== null && entry.udid !== udid),
    ...says('other-owner', ({ ownerEmail }) => personEmail !== undefined && ownerEmail !== null && ownerEmail !== personEmail.toLowerCase()),
  ]
}

/** @returns undefined when the inventory does not have the device */
export const agreement = (entries: readonly InventoryEntry[], device: Listed): boolean | undefined => entries.length === 0 ? undefined : contradictionsOf(entries, device).length === 0
