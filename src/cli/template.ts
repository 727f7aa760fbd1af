import type { Command } from 'commander'
import { templateCheck, templateList, templateSet, templateShow } from '../protocols/api/operations/templates.ts'
import { group, leaf, line, type Context, type World } from './command.ts'
import { readJson } from './files.ts'
import { exitCodes, table, when } from './output.ts'

export function templateCommands(root: Command, world: World): void {
  const template = group(root, 'template', 'what configuration profiles carry')
  leaf(template, world, 'list', 'templates', list)
  leaf(template, world, 'show <name>', 'one template, as JSON that `set` takes', show)
  leaf(template, world, 'check <file>', 'what is wrong with a template, or what it does; writes nothing', check)
  leaf(template, world, 'set <name> <file>', 'write a template from a JSON file, or from - for standard input', set)
}

async function list({ client, print }: Context): Promise<void> {
  print(await client.call(templateList, {}), ({ items }) => table(['name', 'shown as', 'changed', 'by'], items.map(t => [t.name, t.displayName, when(t.updatedAt), t.updatedBy])))
}

async function check({ client, print, world }: Context, _options: object, file: string): Promise<void> {
  const result = await client.call(templateCheck, { template: readJson(file) })
  if (result.preview === null) world.exitCode = exitCodes.failed
  print(result, ({ mistakes, preview }) => preview === null
    ? table(['field', 'mistake'], mistakes.map(({ field, message }) => [field, message]))
    : table(['payload', 'shown as'], preview.payloads.map(({ type, displayName }) => [type, displayName])) + line(`consequences: ${preview.consequences.map(({ code }) => code).join(', ')}`))
}

async function show({ client, print }: Context, _options: object, name: string): Promise<void> {
  print(await client.call(templateShow, { name }), ({ template }) => `${JSON.stringify(template, null, 2)}\n`)
}

async function set({ client, print }: Context, _options: object, name: string, file: string): Promise<void> {
  print(await client.call(templateSet, { name, template: readJson(file) }), ({ consequences }) =>
    line(`template ${name} is set`) + line(`it means for a phone’s owner: ${consequences.map(consequence => consequence.code).join(', ')}`))
}
