package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A service of Spring's that takes our tokens, by its own rules for RFC 9068: lines of "good TOKEN" and "bad TOKEN" on stdin. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
class ResourceServer {
  @RestController
  static class Payments {
    @GetMapping("/payments")
    String subject(@AuthenticationPrincipal Jwt caller) {
      return caller.getSubject();
    }
  }

  /** The keys are found by the issuer alone, as Spring does. */
  @Bean
  JwtDecoder decoder(@Value("${ISSUER}") String issuer, @Value("${AUDIENCE}") String audience) {
    NimbusJwtDecoder decoder =
        NimbusJwtDecoder.withIssuerLocation(issuer).jwsAlgorithm(SignatureAlgorithm.ES256).validateType(false).build();
    decoder.setJwtValidator(
        JwtValidators.createAtJwtValidator().issuer(issuer).audience(audience).clientId("shop").build());
    return decoder;
  }

  @Bean
  SecurityFilterChain security(HttpSecurity http) throws Exception {
    return http
        .authorizeHttpRequests((requests) -> requests.anyRequest().hasAuthority("SCOPE_payments:create"))
        .oauth2ResourceServer((server) -> server.jwt(Customizer.withDefaults()))
        .build();
  }

  /** Asks the running service with each token. */
  static void verify(ConfigurableApplicationContext service) throws Exception {
    URI payments = URI.create("http://127.0.0.1:" + service.getEnvironment().getProperty("local.server.port") + "/payments");
    HttpClient client = HttpClient.newHttpClient();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] parts = line.split(" ");
      HttpRequest request = HttpRequest.newBuilder(payments).header("Authorization", "Bearer " + parts[1]).build();
      var answer = client.send(request, BodyHandlers.ofString());
      boolean accepted = answer.statusCode() == 200;
      if (accepted == parts[0].equals("good") && (accepted || answer.statusCode() == 401)) continue;
      String challenge = answer.headers().firstValue("WWW-Authenticate").orElse("");
      System.out.println("a " + parts[0] + " token: " + answer.statusCode() + " " + answer.body() + " " + challenge);
      System.exit(1);
    }
    System.exit(SpringApplication.exit(service));
  }
}
