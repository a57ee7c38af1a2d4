package interop;

import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.security.oauth2.server.authorization.token.JwtEncodingContext;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenCustomizer;

/** Spring Authorization Server as Spring Boot sets it up; its clients are in the program's arguments. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
class AuthorizationServer {
  /** The client of this name gets tokens of RFC 9068: what docs/token-profiles.md advises. All others get Spring's own form. */
  @Bean
  OAuth2TokenCustomizer<JwtEncodingContext> rfc9068() {
    return (context) -> {
      String client = context.getRegisteredClient().getClientId();
      if (!client.equals("rfc9068") || !OAuth2TokenType.ACCESS_TOKEN.equals(context.getTokenType())) return;
      context.getJwsHeader().type("at+jwt");
      context.getClaims().claim("client_id", client);
      context.getClaims().claim("scope", String.join(" ", context.getAuthorizedScopes()));
    };
  }
}
