import type { Command } from 'commander'
import { approvalList, modelApprove, modelWithdraw } from '../protocols/api/operations/approvals.ts'
import { catalogueCheck, catalogueUpdate } from '../protocols/api/operations/catalogue.ts'
import { modelList, modelShow } from '../protocols/api/operations/models.ts'
import { CaError } from '../errors.ts'
import { presetNames, type PresetName } from '../devices/presets.ts'
import { group, leaf, line, more, paged, untilInstant, type Context, type Paged, type World } from './command.ts'
import { readJson } from './files.ts'
import { fields, table, when } from './output.ts'

type Grade = 'listed' | 'signed' | 'attested'
const presetHelp = presetNames.join(', ')

export function modelCommands(root: Command, world: World): void {
  const model = group(root, 'model', 'device models and their approvals')
  leaf(model, world, 'list [pattern]', 'models of the catalogue', list, command => paged(command)
    .option('--preset <name>', presetHelp).option('--approved', 'only approved ones').option('--not-approved', 'only others'))
  leaf(model, world, 'show <identifier>', 'everything the catalogue says of a model', show)
  leaf(model, world, 'approve [patterns...]', 'approve models, all that a wildcard names, or those of a preset', approve, command => command
    .option('--preset <name>', presetHelp).option('--least-evidence <grade>', 'listed, signed or attested', 'signed')
    .option('--until <day>', 'the last day on which it holds', untilInstant).requiredOption('--reason <text>', 'why, for the record'))
  leaf(model, world, 'withdraw [pattern]', 'withdraw approvals; certificates stay', withdraw, command => command
    .option('--id <id>', 'one approval').option('--preset <name>', presetHelp).option('--reason <text>', 'why, for the record'))
  leaf(model, world, 'approvals', 'approvals in force', approvals)
  leaf(model, world, 'update-catalogue <file>', 'bring newer models and builds', updateCatalogue, command => command.option('--check', 'say what it would change, and take nothing'))
}

type ListOptions = Paged & { preset?: PresetName, approved?: boolean, notApproved?: boolean }

async function list({ client, print }: Context, { preset, approved, notApproved, limit, cursor }: ListOptions, pattern?: string): Promise<void> {
  const wanted = approved === true ? 'true' : notApproved === true ? 'false' : undefined
  print(await client.call(modelList, { pattern, preset, approved: wanted, limit, cursor }), ({ items, next }) =>
    table(['identifier', 'name', 'encrypts storage', 'Secure Enclave', 'attests', 'newest version', 'approved'], items.map(model =>
      [model.identifier, model.name, model.storageEncryption, model.secureEnclave, model.canAttest, model.maxOS, model.approvals.length > 0])) + more(next))
}

async function show({ client, print }: Context, _options: object, identifier: string): Promise<void> {
  print(await client.call(modelShow, { identifier }), model => fields([
    ['identifier', model.identifier], ['name', model.name], ['family', model.family], ['released', model.released], ['chip', model.soc],
    ['encrypts storage', model.storageEncryption], ['Data Protection', model.dataProtection], ['Secure Enclave', model.secureEnclave],
    ['can attest', model.canAttest], ['attests its model', model.attestsModel], ['gets new versions', model.stillSupported],
    ['versions', `${model.minOS ?? '?'} to ${model.maxOS ?? '?'}, ${model.builds.length} builds known`], ['in ActiveSync', model.easModel],
    ['model numbers', model.modelNumbers.join(' ')],
    ...model.approvals.map(a => ['approved', `${a.pattern}, ${a.leastEvidence} at least, ${a.notAfter === null ? 'no end' : `until ${when(a.notAfter)}`}: ${a.reason}`] as const),
    ...model.notes.map(note => ['note', note] as const),
  ]))
}

type ApproveOptions = { preset?: PresetName, leastEvidence: Grade, until?: string, reason: string }

async function approve({ client, print }: Context, { preset, leastEvidence, until, reason }: ApproveOptions, ...patterns: unknown[]): Promise<void> {
  const named = patterns.flat() as string[]
  const what = named.length > 1 ? { models: named } : { pattern: named[0] }
  print(await client.call(modelApprove, { ...what, preset, leastEvidence, until, reason }), ({ approvals: added, unchanged, notes }) => {
    const done = added.length === 1 ? `${added[0]!.pattern} is approved` : `${added.length} approvals added`
    return line(`${added.length === 0 ? 'nothing added' : done}${unchanged === 0 ? '' : `, ${unchanged} stood already`}`) + notes.map(note => line(`note: ${note}`)).join('')
  })
}

async function withdraw({ client, print }: Context, { preset, id, reason }: { preset?: PresetName, id?: string, reason?: string }, pattern?: string): Promise<void> {
  print(await client.call(modelWithdraw, { id, pattern, preset, reason }), ({ withdrawn }) => line(`withdrawn: ${withdrawn.map(approval => approval.pattern).join(', ')}`))
}

async function approvals({ client, print }: Context): Promise<void> {
  print(await client.call(approvalList, {}), ({ items }) => table(['pattern', 'least evidence', 'until', 'by', 'reason', 'id'],
    items.map(a => [a.pattern, a.leastEvidence, when(a.notAfter), a.author, a.reason, a.id])))
}

async function updateCatalogue({ client, print }: Context, { check }: { check?: boolean }, file: string): Promise<void> {
  const update = readJson(file)
  if (typeof update !== 'object' || update === null || Array.isArray(update)) throw new CaError('malformed-catalogue', `${file} is no catalogue file`)
  if (check !== true) return print(await client.call(catalogueUpdate, update), ({ version, models, builds }) => line(`catalogue ${version}: ${models} models, ${builds} builds`))
  print(await client.call(catalogueCheck, update), ({ version, added, changed, builds, approvals }) => [
    line(`catalogue ${version}: ${added.length} models added and ${changed.length} changed, ${builds.added} builds added and ${builds.changed} changed`),
    ...added.map(({ identifier, name }) => line(`new: ${identifier} ${name}`)), ...changed.map(({ identifier, name }) => line(`changed: ${identifier} ${name}`)),
    ...approvals.map(({ pattern, models }) => line(`approved at once by ${pattern}: ${models.join(', ')}`)),
  ].join(''))
}
