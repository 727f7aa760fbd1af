/** Device access rules as Exchange takes them: commands for its PowerShell, or a table for Import-Csv. */
import { serializeCsvLine } from '../csv.ts'
import type { AccessRule } from './inventory.ts'

/**
 * A text in single quotation marks, in which PowerShell expands nothing. It takes the typographic ones for the same sign, so
 * they are doubled too.
 *
 * @throws {RangeError} for signs that could end the line: no text that Exchange compares has any
 */
export function quotePowerShell(text: string): string {
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) throw new RangeError('a control character cannot stand in a command')
  return `'${text.replaceAll(/['\u2018\u2019\u201A\u201B]/g, '$&$&')}'`
}

/** A remark, on one line whatever it holds. */
export const powerShellRemark = (text: string): string => `# ${text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')}\n`

export const accessRuleCommand = ({ characteristic, queryString, accessLevel }: AccessRule): string =>
  `New-ActiveSyncDeviceAccessRule -Characteristic ${characteristic} -QueryString ${quotePowerShell(queryString)} -AccessLevel ${accessLevel}\n`

export const accessRuleTable = (rules: readonly AccessRule[]): string =>
  [['Characteristic', 'QueryString', 'AccessLevel'], ...rules.map(rule => [rule.characteristic, rule.queryString, rule.accessLevel])].map(serializeCsvLine).join('')

/** A whole script: what it is worth first, then a command for each rule. */
export const accessRuleScript = ({ worth, rules }: { worth: readonly { text: string, code: string }[], rules: readonly Parameters<typeof accessRuleCommand>[0][] }): string =>
  worth.map(({ text, code }) => powerShellRemark(`${text} [${code}]`)).join('') + rules.map(accessRuleCommand).join('')
