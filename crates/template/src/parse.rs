//! Tokens to trees.

mod literal; // numbers and quoted texts
mod operand; // pipelines, commands, operands

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Place};
use crate::lex::{self, Kind, Token};
use crate::tree::{Branch, Node, Operand, OperandKind, Pipeline, Source, Tree};

/// The most blocks and parentheses inside one another; parser and executor recurse once for each.
pub(crate) const NESTING_MAX: usize = 100;

/// Reads a text: its own body under `name`, and every template that it defines.
pub(crate) fn parse(
    name: &str,
    text: &str,
    known: &dyn Fn(&str) -> bool,
) -> Result<Vec<Tree>, Error> {
    let source = Arc::new(Source {
        name: name.to_owned(),
        text: text.to_owned(),
    });
    let fail = |failure: Failure| Error::Parse {
        template: name.to_owned(),
        place: Place::of(text, failure.offset),
        message: failure.message,
    };
    let (tokens, lex_error) = lex::tokens(text);
    let end = tokens.last().map_or(0, |token| token.offset);
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        known,
        variables: vec!["$".to_owned()],
        range_depth: 0,
        nesting: 0,
        defined: HashMap::new(),
    };
    let body = parser.file();
    if let Some(error) = lex_error
        && body
            .as_ref()
            .err()
            .is_none_or(|failure| failure.offset >= end)
    {
        return Err(fail(Failure {
            offset: error.offset,
            message: error.message,
        }));
    }
    let body = body.map_err(fail)?;
    let trees = parser.defined.into_iter().chain([(name.to_owned(), body)]);
    Ok(trees
        .map(|(name, body)| Tree {
            name: name.into(),
            source: Arc::clone(&source),
            body,
        })
        .collect())
}

/// What is wrong, at a byte of the text.
struct Failure {
    offset: usize,
    message: String,
}

type Parsed<T> = Result<T, Failure>;

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    next: usize,
    known: &'a dyn Fn(&str) -> bool,
    /// Variables in scope, innermost last.
    variables: Vec<String>,
    range_depth: usize,
    nesting: usize,
    defined: HashMap<String, Vec<Node>>,
}

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    End,
    /// `else`, with the parser behind its action, or before the `if` or `with` in it.
    Else,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
    }

    fn take_solid(&mut self) -> Token<'a> {
        self.skip_space();
        self.take()
    }

    fn unexpected<T>(&self, token: Token<'_>, context: &str) -> Parsed<T> {
        let shown = match token.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Keyword | Kind::Dot | Kind::Nil => format!("<{}>", token.text),
            _ => format!("{:?}", token.text),
        };
        fail(token.offset, format!("unexpected {shown} in {context}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token<'a>> {
        let token = self.take_solid();
        if token.kind == kind {
            Ok(token)
        } else {
            self.unexpected(token, context)
        }
    }

    /// The whole text, with definitions between the nodes.
    fn file(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        while self.peek().kind != Kind::End {
            if self.at_define() {
                self.definition()?;
                continue;
            }
            match self.node()? {
                Ok(node) => nodes.push(node),
                Err((ended, offset)) => {
                    return fail(offset, format!("unexpected {{{{{}}}}}", ended.word()));
                }
            }
        }
        Ok(nodes)
    }

    fn at_define(&self) -> bool {
        let mut ahead = self.tokens[self.next..]
            .iter()
            .filter(|token| token.kind != Kind::Space);
        ahead
            .next()
            .is_some_and(|token| token.kind == Kind::LeftDelimiter)
            && ahead
                .next()
                .is_some_and(|token| token.kind == Kind::Keyword && token.text == "define")
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        self.take();
        self.take_solid();
        let name = self.name(context)?;
        let closing = self.expect(Kind::RightDelimiter, context)?;
        let body = self.scoped(|parser| parser.list("define clause"))?;
        match body {
            (body, Ended::End) => self.define(name, body, closing.offset),
            (_, Ended::Else) => fail(
                closing.offset,
                format!("unexpected {{{{else}}}} in {context}"),
            ),
        }
    }

    /// A body of its own, in which only `$` is known.
    fn scoped<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let range_depth = std::mem::take(&mut self.range_depth);
        let result = read(self);
        self.variables = variables;
        self.range_depth = range_depth;
        result
    }

    fn define(&mut self, name: String, body: Vec<Node>, offset: usize) -> Parsed<()> {
        match self.defined.get(&name) {
            Some(old) if !is_blank(old) && !is_blank(&body) => {
                return fail(
                    offset,
                    format!("template: multiple definition of template {name:?}"),
                );
            }
            Some(old) if !is_blank(old) => return Ok(()),
            _ => {}
        }
        self.defined.insert(name, body);
        Ok(())
    }

    fn name(&mut self, context: &str) -> Parsed<String> {
        let token = self.take_solid();
        match token.kind {
            Kind::String | Kind::RawString => literal::text(token),
            _ => self.unexpected(token, context),
        }
    }

    /// Nodes up to `end` or `else`.
    fn list(&mut self, context: &str) -> Parsed<(Vec<Node>, Ended)> {
        self.deeper(|parser| {
            let mut nodes = Vec::new();
            while parser.peek().kind != Kind::End {
                match parser.node()? {
                    Ok(node) => nodes.push(node),
                    Err((ended, _)) => return Ok((nodes, ended)),
                }
            }
            let _ = context;
            fail(parser.peek().offset, "unexpected EOF")
        })
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return fail(
                self.peek().offset,
                format!("nested deeper than {NESTING_MAX}"),
            );
        }
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// A text or an action; an inner error is the word that ends a list.
    fn node(&mut self) -> Parsed<Result<Node, (Ended, usize)>> {
        let token = self.take_solid();
        match token.kind {
            Kind::Text => Ok(Ok(Node::Text(token.text.to_owned()))),
            Kind::LeftDelimiter => self.action(),
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Result<Node, (Ended, usize)>> {
        self.skip_space();
        let token = self.peek();
        if token.kind != Kind::Keyword {
            let pipeline = self.pipeline("command", Kind::RightDelimiter)?;
            return Ok(Ok(Node::Action(pipeline)));
        }
        self.take();
        Ok(Ok(match token.text {
            "if" => Node::If(self.branch("if")?),
            "with" => Node::With(self.branch("with")?),
            "range" => Node::Range(self.branch("range")?),
            "template" => self.template()?,
            "block" => self.block(token.offset)?,
            "break" | "continue" => self.jump(token)?,
            "end" => {
                self.expect(Kind::RightDelimiter, "end")?;
                return Ok(Err((Ended::End, token.offset)));
            }
            "else" => {
                self.skip_space();
                let next = self.peek();
                if next.kind != Kind::Keyword || !matches!(next.text, "if" | "with") {
                    self.expect(Kind::RightDelimiter, "else")?;
                }
                return Ok(Err((Ended::Else, token.offset)));
            }
            _ => return self.unexpected(token, "command"),
        }))
    }

    /// `break` and `continue`.
    fn jump(&mut self, word: Token<'_>) -> Parsed<Node> {
        let ending = self.take_solid();
        if ending.kind != Kind::RightDelimiter {
            return self.unexpected(ending, &format!("{{{{{}}}}}", word.text));
        }
        if self.range_depth == 0 {
            return fail(
                word.offset,
                format!("{{{{{}}}}} outside {{{{range}}}}", word.text),
            );
        }
        Ok(if word.text == "break" {
            Node::Break
        } else {
            Node::Continue
        })
    }

    /// `if`, `with` or `range`, up to its `end`.
    fn branch(&mut self, word: &str) -> Parsed<Branch> {
        let scope = self.variables.len();
        let pipeline = self.pipeline(word, Kind::RightDelimiter)?;
        let looped = usize::from(word == "range");
        self.range_depth += looped;
        let (body, ended) = self.list(word)?;
        self.range_depth -= looped;
        let otherwise = if ended == Ended::Else {
            Some(self.otherwise(word)?)
        } else {
            None
        };
        self.variables.truncate(scope);
        Ok(Branch {
            pipeline,
            body,
            otherwise,
        })
    }

    /// What stands behind `else`: a list, or for `if` and `with` another branch of that kind which shares the `end`.
    fn otherwise(&mut self, word: &str) -> Parsed<Vec<Node>> {
        let token = self.peek();
        if token.kind == Kind::Keyword {
            self.take();
            if token.text != word {
                return self.unexpected(token, "input");
            }
            let chained = self.deeper(|parser| parser.branch(word))?;
            return Ok(vec![if word == "if" {
                Node::If(chained)
            } else {
                Node::With(chained)
            }]);
        }
        match self.list(word)? {
            (nodes, Ended::End) => Ok(nodes),
            (_, Ended::Else) => fail(self.peek().offset, "expected end; found {{else}}"),
        }
    }

    fn template(&mut self) -> Parsed<Node> {
        self.skip_space();
        let offset = self.peek().offset;
        let name = self.name("template clause")?;
        self.skip_space();
        let data = if self.peek().kind == Kind::RightDelimiter {
            self.take();
            None
        } else {
            Some(self.pipeline("template clause", Kind::RightDelimiter)?)
        };
        Ok(Node::Template { offset, name, data })
    }

    /// `block "name" pipeline`: a definition, and its use on the spot.
    fn block(&mut self, offset: usize) -> Parsed<Node> {
        let name = self.name("block clause")?;
        let data = self.pipeline("block clause", Kind::RightDelimiter)?;
        match self.scoped(|parser| parser.list("block clause"))? {
            (body, Ended::End) => self.define(name.clone(), body, offset)?,
            (_, Ended::Else) => return fail(offset, "unexpected {{else}} in block clause"),
        }
        Ok(Node::Template {
            offset,
            name,
            data: Some(data),
        })
    }
}

impl Ended {
    fn word(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Else => "else",
        }
    }
}

fn fail<T>(offset: usize, message: impl Into<String>) -> Parsed<T> {
    Err(Failure {
        offset,
        message: message.into(),
    })
}

/// True for a body that prints nothing: such a definition does not replace another.
pub(crate) fn is_blank(nodes: &[Node]) -> bool {
    nodes
        .iter()
        .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}
