import type { Command } from 'commander'
import type { z } from 'zod'
import { inventorySentence } from '../devices/inventory-words.ts'
import { CaError } from '../errors.ts'
import { decodeExport } from '../formats/exchange/text.ts'
import { importInventory, inventoryList, inventoryRemove, inventoryRequire, inventoryShow } from '../protocols/api/operations/inventory.ts'
import { group, leaf, line, more, paged, type Context, type Paged, type World } from './command.ts'
import { readBytes } from './files.ts'
import { exitCodes, fields, table, when } from './output.ts'

export function inventoryCommands(root: Command, world: World): void {
  const inventory = group(root, 'inventory', 'the organization’s own devices; `import inventory` brings them')
  leaf(inventory, world, 'show', 'how many there are, whether policy demands them, and which phones they contradict', show)
  leaf(inventory, world, 'list', 'the devices in it', list, command => paged(command).option('--search <text>', 'a serial number, UDID, owner’s address or asset tag, whole'))
  leaf(inventory, world, 'remove [numbers...]', 'take devices out, by serial number or UDID', remove, command => command.option('--all', 'all of them'))
  leaf(inventory, world, 'require <yes|no>', 'whether an approval or allow rule needs the inventory to agree', require)
}

type Standing = Pick<z.input<typeof inventoryShow.output>, 'total' | 'required' | 'missing' | 'contradicted'>

function standingText({ total, required, missing, contradicted }: Standing): string {
  return fields([['devices in it', total], ['demanded by policy', required ? 'yes' : 'no'], ['phones with a good certificate that are not in it', missing], ['phones that it contradicts', contradicted.count]])
    + (contradicted.count === 0 ? '' : `\n${table(['person', 'serial number', 'model', 'what', 'device'], contradicted.first.flatMap(phone =>
      phone.findings.map(finding => [phone.personName, phone.serialNumber, phone.productType, inventorySentence(finding, phone.listed, phone), phone.deviceId])))}`)
}

async function show({ client, print }: Context): Promise<void> {
  print(await client.call(inventoryShow, {}), shown => standingText(shown) + fields([['newest import', when(shown.importedAt)]]))
}

async function list({ client, print }: Context, { search, limit, cursor }: Paged & { search?: string }): Promise<void> {
  print(await client.call(inventoryList, { search, limit, cursor }), ({ items, next }) => table(['serial number', 'UDID', 'model', 'product types', 'owner', 'asset tag', 'imported'],
    items.map(e => [e.serialNumber, e.udid, e.model, e.productTypes.join(' '), e.ownerEmail, e.assetTag, when(e.importedAt)])) + more(next))
}

async function remove({ client, print }: Context, { all = false }: { all?: boolean }, ...given: unknown[]): Promise<void> {
  const numbers = given.flat() as string[]
  if (all === numbers.length > 0) throw new CaError('invalid-argument', 'name serial numbers or UDIDs, or --all')
  print(await client.call(inventoryRemove, all ? { all: true } : { numbers }), ({ removed }) => line(`${removed} taken out`))
}

async function require({ client, print }: Context, _options: object, answer: string): Promise<void> {
  if (answer !== 'yes' && answer !== 'no') throw new CaError('invalid-argument', 'say yes or no')
  print(await client.call(inventoryRequire, { required: answer === 'yes' }), ({ required, changed }) =>
    line(`${required ? 'approvals and allow rules need the inventory to agree' : 'the inventory need not agree'}${changed ? ', from the next decision on' : ' (as before)'}`))
}

type Options = { merge?: boolean, apply?: boolean }

/** `import inventory` */
export async function bringInventory({ client, print, world }: Context, { merge, apply = false }: Options, file: string): Promise<void> {
  const result = await client.call(importInventory, { file: textOf(file), mode: merge === true ? 'merge' : 'replace', apply })
  if (result.mistakes.count > 0) world.exitCode = exitCodes.failed
  print(result, r => [
    ...r.mistakes.count === 0 ? [] : [line(`${r.mistakes.count} mistakes: nothing is imported`), table(['line', 'mistake', 'code'], r.mistakes.first.map(m => [m.line, m.text, m.code]))],
    ...r.passedOver.count === 0 ? [] : [line(`${r.passedOver.count} lines are passed over`), table(['line', 'why', 'code'], r.passedOver.first.slice(0, 20).map(m => [m.line, m.text, m.code]))],
    ...r.mistakes.count > 0 ? [] : [
      line(`${r.read} devices: ${r.added} new, ${r.changed} changed, ${r.unchanged} as before; ${r.removed} others go`), '\n', standingText(r), '\n',
      line(r.applied ? 'It is in force.' : 'Nothing is changed yet; --apply puts it in force.'),
    ],
  ].join(''))
}

function textOf(file: string): string {
  try {
    return decodeExport(readBytes(file))
  } catch (error) {
    if (error instanceof CaError && error.code === 'malformed-exchange-export') throw new CaError('malformed-inventory', `${file}: the file is too large, or text of no kind that a spreadsheet writes (UTF-8 or UTF-16)`, { cause: error })
    throw error
  }
}
