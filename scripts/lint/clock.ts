/** The little that this rule sees of an expression in the syntax tree (ESTree). */
interface Expression {
  readonly type: string
  readonly name?: string
  readonly callee?: Expression
  readonly arguments?: readonly unknown[]
}

interface RuleContext {
  report(problem: { readonly node: Expression; readonly message: string }): void
}

const message = 'Reads the clock. Take the time as an argument, or from the Clock port.'

/** Reports `new Date()` and `Date()`. With arguments `Date` only converts, which the api layer may do. */
const noCurrentDate = {
  create(context: RuleContext) {
    return {
      NewExpression(node: Expression): void {
        if (isDate(node.callee) && node.arguments?.length === 0) context.report({ node, message })
      },
      CallExpression(node: Expression): void {
        if (isDate(node.callee)) context.report({ node, message })
      },
    }
  },
}

function isDate(callee: Expression | undefined): boolean {
  return callee?.type === 'Identifier' && callee.name === 'Date'
}

/** An oxlint plugin for what no built-in rule can say. */
export default { meta: { name: 'clock' }, rules: { 'no-current-date': noCurrentDate } }
