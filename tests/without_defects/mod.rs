//! Which lines of the model cannot be reached while no mistake is made: the source, with `has(Defect::X)` taken for false.

use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{BinOp, Block, Expr, ExprMethodCall, Lit, Pat, Stmt, UnOp};

/// What is known of a value without running anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    True,
    False,
    /// An `Option` that is `None`.
    Nothing,
}

/// The dead lines of each file.
pub fn dead_lines(sources: &[Source]) -> BTreeMap<PathBuf, BTreeSet<usize>> {
    let constant = constant_functions(sources);
    let mut dead: BTreeMap<PathBuf, BTreeSet<usize>> = BTreeMap::new();
    let of_file = |source: &Source| {
        let mut reader = Reader::new(&constant);
        reader.visit_file(&source.file);
        (source.path.clone(), reader.dead)
    };
    dead.extend(sources.iter().filter(|source| !source.is_test).map(of_file));
    // What only dead code calls is dead too, and what only that calls.
    while let Some(more) = uncalled(sources, &dead) {
        for (path, lines) in more {
            dead.entry(path).or_default().extend(lines);
        }
    }
    dead
}

/// Functions that give the same whatever is so, by name.
fn constant_functions(sources: &[Source]) -> BTreeMap<String, Known> {
    struct Functions<'a>(&'a BTreeMap<String, Known>, BTreeMap<String, Known>);
    impl Functions<'_> {
        fn note(&mut self, name: &syn::Ident, block: &Block) {
            let Some((Stmt::Expr(value, None), before)) = block.stmts.split_last() else {
                return;
            };
            // Whatever comes before the value must not be able to end the function.
            let mut reader = Reader::new(self.0);
            let only_names = before.iter().all(|statement| matches!(statement, Stmt::Local(_)));
            before.iter().for_each(|statement| reader.visit_stmt(statement));
            if let Some(known) = reader.know(value).filter(|_| only_names) {
                self.1.insert(name.to_string(), known);
            }
        }
    }
    impl<'ast> Visit<'ast> for Functions<'_> {
        fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
            self.note(&function.sig.ident, &function.block);
        }
        fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
            self.note(&function.sig.ident, &function.block);
        }
    }
    let none = BTreeMap::new();
    let mut functions = Functions(&none, BTreeMap::new());
    for source in sources.iter().filter(|source| !source.is_test) {
        functions.visit_file(&source.file);
    }
    functions.1
}

/// Goes through code and notes what is never reached.
struct Reader<'a> {
    constant: &'a BTreeMap<String, Known>,
    /// What local names stand for, as far as it is known.
    locals: BTreeMap<String, Known>,
    dead: BTreeSet<usize>,
}

impl<'a> Reader<'a> {
    fn new(constant: &'a BTreeMap<String, Known>) -> Reader<'a> {
        Reader {
            constant,
            locals: BTreeMap::new(),
            dead: BTreeSet::new(),
        }
    }

    fn know(&self, value: &Expr) -> Option<Known> {
        match value {
            Expr::Paren(inner) => self.know(&inner.expr),
            Expr::Lit(literal) => match &literal.lit {
                Lit::Bool(value) => Some(if value.value { Known::True } else { Known::False }),
                _ => None,
            },
            Expr::Path(path) => self.locals.get(&path.path.get_ident()?.to_string()).copied(),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => match self.know(&unary.expr)? {
                Known::True => Some(Known::False),
                Known::False => Some(Known::True),
                Known::Nothing => None,
            },
            Expr::Binary(binary) => {
                let (left, right) = (self.know(&binary.left), self.know(&binary.right));
                let (decides, other) = match binary.op {
                    BinOp::And(_) => (Known::False, Known::True),
                    BinOp::Or(_) => (Known::True, Known::False),
                    _ => return None,
                };
                match (left, right) {
                    (Some(known), _) | (_, Some(known)) if known == decides => Some(decides),
                    (Some(left), Some(right)) if left == other && right == other => Some(other),
                    _ => None,
                }
            }
            Expr::Let(binding) => match (self.know(&binding.expr)?, &*binding.pat) {
                (Known::Nothing, Pat::TupleStruct(some)) if some.path.is_ident("Some") => Some(Known::False),
                _ => None,
            },
            Expr::MethodCall(call) => self.know_call(call),
            _ => None,
        }
    }

    fn know_call(&self, call: &ExprMethodCall) -> Option<Known> {
        let name = call.method.to_string();
        match (name.as_str(), call.args.first()) {
            ("has", Some(Expr::Path(path))) => {
                let first = path.path.segments.first()?;
                (first.ident == "Defect").then_some(Known::False)
            }
            ("filter", Some(Expr::Closure(closure))) if self.know(&closure.body) == Some(Known::False) => {
                Some(Known::Nothing)
            }
            ("then" | "then_some", _) if self.know(&call.receiver) == Some(Known::False) => Some(Known::Nothing),
            _ => self.constant.get(&name).copied(),
        }
    }

    fn kill(&mut self, code: &impl Spanned) {
        let span = code.span();
        self.dead.extend(span.start().line..=span.end().line);
    }

    /// A block that is not run, but for the line on which what decided that stands, and the one of its closing brace.
    fn kill_block(&mut self, block: &Block, decided: &impl Spanned) {
        let (open, close) = (block.brace_token.span.open(), block.brace_token.span.close());
        let first = open.start().line.max(decided.span().end().line + 1);
        self.dead.extend(first..close.start().line);
    }
}

/// Whether what comes after it is not reached.
fn diverges(block: &Block) -> bool {
    matches!(
        block.stmts.last(),
        Some(Stmt::Expr(Expr::Return(_) | Expr::Break(_) | Expr::Continue(_), _))
    )
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.locals.clear();
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.locals.clear();
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_block(&mut self, block: &'ast Block) {
        for (place, statement) in block.stmts.iter().enumerate() {
            self.visit_stmt(statement);
            if let Stmt::Expr(Expr::If(choice), _) = statement
                && self.know(&choice.cond) == Some(Known::True)
                && diverges(&choice.then_branch)
            {
                block.stmts[place + 1..].iter().for_each(|rest| self.kill(rest));
                return;
            }
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init) {
            let name_is = name.ident.to_string();
            match self.know(&init.expr).filter(|_| name.mutability.is_none()) {
                Some(known) => drop(self.locals.insert(name_is, known)),
                None => drop(self.locals.remove(&name_is)),
            }
        }
        syn::visit::visit_local(self, local);
    }

    fn visit_expr_if(&mut self, choice: &'ast syn::ExprIf) {
        self.visit_expr(&choice.cond);
        let known = self.know(&choice.cond);
        match known {
            Some(Known::False) => self.kill_block(&choice.then_branch, &choice.cond),
            _ => self.visit_block(&choice.then_branch),
        }
        if let Some((_, otherwise)) = &choice.else_branch {
            match (known, &**otherwise) {
                (Some(Known::True), Expr::Block(block)) => self.kill_block(&block.block, &choice.then_branch),
                (Some(Known::True), other) => self.kill(other),
                (_, other) => self.visit_expr(other),
            }
        }
    }

    fn visit_expr_match(&mut self, choice: &'ast syn::ExprMatch) {
        let known = self.know(&choice.expr);
        self.visit_expr(&choice.expr);
        for arm in &choice.arms {
            let (pattern, guard) = match &arm.pat {
                Pat::Guard(guarded) => (&*guarded.pat, self.know(&guarded.guard)),
                pattern => (pattern, None),
            };
            let never = match (pattern, known) {
                (Pat::Lit(pattern), Some(known)) => {
                    matches!(&pattern.lit, Lit::Bool(value) if value.value != (known == Known::True))
                }
                _ => false,
            };
            if never || guard == Some(Known::False) {
                self.kill(arm);
            } else {
                self.visit_arm(arm);
            }
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let skipped = match binary.op {
            BinOp::And(_) => Known::False,
            BinOp::Or(_) => Known::True,
            _ => return syn::visit::visit_expr_binary(self, binary),
        };
        self.visit_expr(&binary.left);
        // On the line of what decides, something is run.
        if self.know(&binary.left) == Some(skipped) && binary.right.span().start().line > binary.left.span().end().line
        {
            self.kill(&binary.right);
        } else {
            self.visit_expr(&binary.right);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.visit_expr(&call.receiver);
        let never = matches!(self.know(&call.receiver), Some(Known::Nothing | Known::False));
        for argument in &call.args {
            match argument {
                Expr::Closure(closure) if never => {
                    if let Expr::Block(block) = &*closure.body {
                        self.kill_block(&block.block, &call.method);
                    }
                }
                other => self.visit_expr(other),
            }
        }
    }
}

/// Functions all of whose calls stand in dead lines, and that are not dead yet.
fn uncalled(sources: &[Source], dead: &BTreeMap<PathBuf, BTreeSet<usize>>) -> Option<Vec<(PathBuf, BTreeSet<usize>)>> {
    /// Definitions by name and lines; uses by name and line.
    #[derive(Default)]
    struct Names {
        defined: Vec<(String, BTreeSet<usize>)>,
        used: Vec<(String, usize)>,
    }
    impl Names {
        fn define(&mut self, name: &syn::Ident, function: &impl Spanned) {
            let span = function.span();
            let lines = (span.start().line..=span.end().line).collect();
            self.defined.push((name.to_string(), lines));
        }
    }
    impl<'ast> Visit<'ast> for Names {
        fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
            self.define(&function.sig.ident, function);
            syn::visit::visit_impl_item_fn(self, function);
        }
        fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
            self.define(&function.sig.ident, function);
            syn::visit::visit_item_fn(self, function);
        }
        fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
            self.used
                .push((call.method.to_string(), call.method.span().start().line));
            syn::visit::visit_expr_method_call(self, call);
        }
        fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
            self.used
                .push((segment.ident.to_string(), segment.ident.span().start().line));
        }
    }
    let (mut defined, mut alive, mut called) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for source in sources.iter().filter(|source| !source.is_test) {
        let mut names = Names::default();
        names.visit_file(&source.file);
        let is_dead = |line: &usize| dead.get(&source.path).is_some_and(|lines| lines.contains(line));
        for (name, line) in names.used {
            called.insert(name.clone());
            if !is_dead(&line) {
                alive.insert(name);
            }
        }
        let new = names
            .defined
            .into_iter()
            .filter(|(_, lines)| !lines.iter().all(is_dead));
        defined.extend(new.map(|(name, lines)| (name, source.path.clone(), lines)));
    }
    let more: Vec<_> = defined
        .into_iter()
        .filter(|(name, ..)| called.contains(name) && !alive.contains(name))
        .map(|(_, path, lines)| (path, lines))
        .collect();
    (!more.is_empty()).then_some(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a text that are dead.
    fn dead(text: &str) -> Vec<usize> {
        let source = Source {
            path: "src/model/x.rs".into(),
            text: text.to_owned(),
            file: syn::parse_file(text).unwrap(),
            is_test: false,
        };
        let found = dead_lines(&[source]);
        found.into_values().flatten().collect()
    }

    #[test]
    fn what_only_a_mistake_reaches_is_dead() {
        let text = "impl T {\nfn f(&self) {\nif self.has(Defect::A) && b {\nx();\n}\nif c || self.has(Defect::A) {\n\
                    y();\n}\n}\n}\n";
        assert_eq!(dead(text), [4]);
    }

    #[test]
    fn what_every_mistake_avoids_is_alive_and_its_alternative_dead() {
        let text = "fn f() {\nif !cx.has(Defect::A) {\nx();\n} else {\ny();\n}\nmatch cx.has(Defect::B) {\n\
                    true => 1,\nfalse => 2,\n};\n}\n";
        assert_eq!(dead(text), [5, 8]);
    }

    #[test]
    fn names_and_functions_carry_it_on() {
        let text = "impl T {\nfn odd(&self) -> bool {\nself.has(Defect::A)\n|| self.has(Defect::B)\n}\n\
                    fn f(&self) {\nlet silent = self.odd() && x;\nif silent {\nreturn;\n}\ng();\n}\n}\n";
        assert_eq!(dead(text), [9]);
    }

    #[test]
    fn what_follows_the_end_of_everything_else_is_dead() {
        let text = "fn f() {\nif !cx.has(Defect::A) {\nreturn;\n}\ng();\n}\n";
        assert_eq!(dead(text), [5]);
    }

    #[test]
    fn what_only_dead_code_calls_is_dead() {
        let text = "impl T {\nfn f(&self) {\nif self.has(Defect::A) {\nself.g();\n}\nself.h();\n}\nfn g(&self) {\n\
                    x();\n}\nfn h(&self) {}\n}\n";
        assert_eq!(dead(text), [4, 8, 9, 10]);
        let free = "fn f(t: T) {\nif t.has(Defect::A) {\ng();\n}\nh();\n}\nfn g() {\nx();\n}\nfn h() {}\n";
        assert_eq!(dead(free), [3, 7, 8, 9]);
    }

    #[test]
    fn nothing_is_dead_without_mistakes() {
        assert_eq!(dead("fn f(b: bool) {\nif b {\nx();\n} else {\ny();\n}\n}\n"), [0; 0]);
    }
}
