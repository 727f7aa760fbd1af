import type { Command } from 'commander'
import { accessRuleScript, accessRuleTable } from '../formats/exchange/commands.ts'
import { exchangeRulesExport } from '../protocols/api/operations/exchange-export.ts'
import { group, leaf, type Context, type World } from './command.ts'

export function exportCommands(root: Command, world: World): void {
  const exports = group(root, 'export', 'what other systems can take from here')
  leaf(exports, world, 'exchange-rules', 'commands that make Exchange block what policy blocks, as a second fence', exchangeRules, command => command
    .option('--csv', 'a table for Import-Csv in place of commands; what it is worth goes to standard error'))
}

async function exchangeRules({ client, print, world, json }: Context, { csv }: { csv?: boolean }): Promise<void> {
  const fence = await client.call(exchangeRulesExport, {})
  if (csv === true && !json) world.stderr.write(accessRuleScript({ ...fence, rules: [] }))
  print(fence, ({ rules }) => csv === true ? accessRuleTable(rules) : accessRuleScript(fence))
}
