import { Command, CommanderError } from 'commander'
import { CaError, type ErrorCode } from '../errors.ts'
import { accessCommands } from './access.ts'
import { activesyncCommands } from './activesync.ts'
import { agentCommands } from './agent.ts'
import { auditCommands } from './audit.ts'
import { authorityCommands } from './authority.ts'
import { certCommands } from './cert.ts'
import type { World } from './command.ts'
import { deviceCommands } from './device.ts'
import { exportCommands } from './export.ts'
import { frontEndCommands } from './front-end.ts'
import { importCommands } from './import.ts'
import { inventoryCommands } from './inventory.ts'
import { inviteCommands } from './invite.ts'
import { modelCommands } from './model.ts'
import { exitCodeOf, exitCodes, printable } from './output.ts'
import { personCommands } from './person.ts'
import { phoneCommands } from './phone.ts'
import { policyCommands } from './policy.ts'
import { serveCommand } from './serve.ts'
import { templateCommands } from './template.ts'
import { todayCommand } from './today.ts'

const groups = [
  serveCommand, todayCommand, authorityCommands, modelCommands, policyCommands, inviteCommands, personCommands, deviceCommands, inventoryCommands, certCommands, templateCommands,
  frontEndCommands, agentCommands, activesyncCommands, importCommands, exportCommands, accessCommands, auditCommands, phoneCommands,
]

function program(world: World): Command {
  const root = new Command('latchkey')
    .description('A small certificate authority for phones.')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 quarantined, 5 not found.')
  for (const add of groups) add(root, world)
  settle(root, world)
  return root
}

/** Every command throws what is wrong with its arguments, instead of ending the process. */
function settle(command: Command, world: World): void {
  command.exitOverride().configureOutput({ writeOut: text => { world.stdout.write(text) }, writeErr: () => {} })
  for (const child of command.commands) settle(child, world)
}

/**
 * Runs one command.
 *
 * @param args  what stands after the program's name
 * @returns the exit code
 */
export async function run(args: readonly string[], world: World): Promise<number> {
  try {
    await program(world).parseAsync([...args], { from: 'user' })
    return world.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done
    const { code, detail, exitCode } = described(error)
    world.stderr.write(args.includes('--json') ? `${JSON.stringify({ code: code ?? null, detail })}\n` : `latchkey: ${code === undefined ? '' : `${code}: `}${printable(detail)}\n`)
    return exitCode
  }
}

function described(error: unknown): { code: ErrorCode | undefined, detail: string, exitCode: number } {
  if (error instanceof CommanderError) {
    // Commander answers a group without a command with that group's help.
    const detail = error.code === 'commander.help' ? 'a command is missing; --help lists them' : error.message.replace(/^error: /, '')
    return { code: 'invalid-argument', detail, exitCode: exitCodes.usage }
  }
  if (error instanceof CaError) return { code: error.code, detail: error.message, exitCode: exitCodeOf(error.code) }
  return { code: undefined, detail: error instanceof Error ? error.message : String(error), exitCode: exitCodes.failed }
}
